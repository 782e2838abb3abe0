"""Users of the organisation."""

from __future__ import annotations

from source_closeio.base import CloseList


class Users(CloseList):
    """Active users; those who left are among the memberships."""

    name = "users"
    resource = "user/"
    page_size = 1000
