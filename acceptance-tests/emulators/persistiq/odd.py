"""Where PersistIQ's answers have their rows, cursors and ends, for the oddities."""

from __future__ import annotations

from emulators.messages import Request
from emulators.oddities.form import Body, Form, Row, with_params

# Years before and after all records.
IMPOSSIBLE = ("2010-", "2100-")
CURSORS = {"evt_": "event_at", "rep_": "sent_at"}


class PersistiqForm(Form):
    """The list is named like the resource; pages by number."""

    underived = frozenset(["mailboxes", "webhook_plugin"])

    def key(self, body: Body) -> str | None:
        """The only list beside the errors."""
        return next((name for name, value in body.items() if isinstance(value, list) and name != "errors"), None)

    def cursor(self, record: Row) -> str | None:
        """Leads have none. Events of the other shape have another name for it."""
        name = CURSORS.get(str(record.get("id"))[:4])
        return None if name == "event_at" and "kind" not in record else name

    def time(self, record: Row) -> str | None:
        """Of leads, when they were written to."""
        return "last_sent_at" if str(record.get("id")).startswith("l_") else None

    def size(self, request: Request) -> int:
        """Fixed."""
        return 500 if request.path.endswith("/events") else 100

    def subject(self, request: Request) -> str:
        """Whoever asks for what cannot be wants to know whether filters are ignored."""
        is_test = any(value.startswith(IMPOSSIBLE) for value in request.params.values())
        return super().subject(request) + (" for a test" if is_test else "")

    def has_next(self, body: Body) -> bool:
        """`has_more` has the say."""
        return bool(body.get("has_more"))

    def page_after_gap(self, request: Request) -> tuple[Request, bool] | None:
        """The second page is empty; those after it are one further on than they say."""
        page = request.params.get("page", "1")
        if not page.isdigit() or int(page) < 2:
            return None
        if page == "2":
            return request, True
        return with_params(request, [("page", str(int(page) - 1))]), False

    def point_after(self, body: Body, request: Request) -> None:
        """To the next number."""
        self._point(body, request, int(request.params["page"]) + 1)

    def point_to_itself(self, body: Body, request: Request) -> bool:
        """To the same number."""
        self._point(body, request, int(request.params.get("page", "1")))
        return True

    @staticmethod
    def _point(body: Body, request: Request, page: int) -> None:
        following = with_params(request, [("page", str(page))])
        url = f"http://{request.headers.get('host', '')}{request.path}?{following.query}"
        body |= {"has_more": True, "next_page": url}
