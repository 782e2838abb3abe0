"""Fixed identities of the emulated account: keys, organization, statuses, and its users."""

from __future__ import annotations

from typing import Any

from emulators.moments import DAY_MS, with_offset
from emulators.records import Ids

API_KEY = "api_3mUlAt0rKey.0000000000000000000000"
ACCESS_TOKEN = "access-that-never-expires"
CLIENT_ID = "oa2client_emulator"
CLIENT_SECRET = "oa2secret_emulator"
ORGANIZATION_ID = "orga_5Vd0eZ8mQyTg3XcRk1LwPnBs7UhJ2iFo6Aa4KpDx9NE"

LEAD_STATUSES = [
    {"id": f"stat_{name:0<10}QvR7tXc2LmN4pZsK", "label": label, "organization_id": ORGANIZATION_ID}
    for name, label in (("lead1", "Potential"), ("lead2", "Bad Fit"), ("lead3", "Qualified"), ("lead4", "Customer"))
]

USER_IDS = Ids("user_")
FIRST_NAMES = ("Ada", "Grace", "Edsger", "Barbara", "Tony", "Radia", "Ken", "Margaret", "Dennis", "Frances")
LAST_NAMES = (
    "Lovelace", "Hopper", "Dijkstra", "Liskov", "Hoare", "Perlman", "Thompson", "Hamilton", "Ritchie", "Allen",
)  # fmt: skip


def user_id(number: int) -> str:
    """The id of a user, present or past."""
    return USER_IDS.id(number).decode()


def user_name(number: int) -> str:
    """Given name and family name."""
    return f"{FIRST_NAMES[number % 10]} {LAST_NAMES[number * 7 // 3 % 10]}"


def make_user(number: int, created: int) -> dict[str, Any]:
    """A user as `GET /user/` gives it."""
    first, last = user_name(number).split()
    return {
        "id": user_id(number),
        "email": f"{first.lower()}.{number}@example.com",
        "first_name": first,
        "last_name": last,
        "image": None if number % 3 else f"https://images.example.com/{number}.png",
        "google_profile_image_url": None,
        "email_verified_at": with_offset(created + DAY_MS).decode() if number % 4 else None,
        "last_used_timezone": "Europe/Berlin" if number % 2 else None,
        "organizations": [ORGANIZATION_ID],
        "date_created": with_offset(created).decode(),
        "date_updated": with_offset(created + number * 86_461_007 % (30 * DAY_MS)).decode(),
    }
