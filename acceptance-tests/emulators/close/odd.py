"""Where Close's answers have their rows, cursors and ends, for the oddities."""

from __future__ import annotations

from dataclasses import replace

import orjson

from emulators.messages import Request
from emulators.oddities.form import Body, Form, Row, with_params

EDITED = ("lead_", "cont_", "oppo_", "co_", "task_")
MADE = "acti_"
GAP = "gap."
SEARCH_END = "/data/search/"


class CloseForm(Form):
    """Lists by `_skip`, events and searches by cursor."""

    page_parameters = frozenset(["_skip", "_cursor"])
    # Of the organization, of single objects, or with an id that the connector makes.
    underived = frozenset(
        ["groups", "organizations", "memberships", "unsubscribed_emails", "deleted_records", "custom_field_schemas"]
    )

    def cursor(self, record: Row) -> str | None:
        """Activities are read by their creation, the rest by its last change."""
        identity = str(record.get("id"))
        if identity.startswith(MADE):
            return "date_created"
        return "date_updated" if identity.startswith(EDITED) else None

    def time(self, record: Row) -> str | None:
        """Where it is no cursor."""
        is_edited = str(record.get("id")).startswith(EDITED) and not str(record.get("id")).startswith("task_")
        return "date_created" if is_edited else None

    def walk(self, request: Request) -> str:
        """Searches differ in their bodies."""
        if not _searches(request):
            return super().walk(request)
        body = {name: value for name, value in request.json_object().items() if name != "cursor"}
        return f"{request.path} {orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode()}"

    def subject(self, request: Request) -> str:
        """The event log tells of all objects or, filtered, of one type."""
        is_filtered = request.path.endswith("/event/") and "object_type" in request.params
        few = " (few fields)" if "_fields" in request.params else ""
        return f"{super().subject(request)}{' (filtered)' if is_filtered else ''}{few}"

    def is_first(self, request: Request) -> bool:
        """Without a cursor, or with nothing skipped."""
        if _searches(request):
            return request.json_object().get("cursor") is None
        return request.params.get("_skip", "0") == "0" and not request.params.get("_cursor")

    def size(self, request: Request) -> int:
        """`_limit` of the query or of the body."""
        given = request.json_object().get("_limit") if _searches(request) else request.params.get("_limit")
        return int(given) if given and str(given).isdigit() else 100

    def may_repeat(self, request: Request) -> bool:
        """Whoever goes on by the number of rows would be misled by one more."""
        return _searches(request) or request.path.endswith("/event/")

    def has_next(self, body: Body) -> bool:
        """In three forms."""
        return bool(body.get("has_more") or body.get("cursor") or body.get("cursor_next"))

    def page_after_gap(self, request: Request) -> tuple[Request, bool] | None:
        """Searches and events: the cursor of the empty page leads to the rows."""
        cursor = _cursor(request)
        if not cursor:
            return None
        if not cursor.startswith(GAP):
            return request, True
        bare = cursor.removeprefix(GAP)
        if not _searches(request):
            return with_params(request, [("_cursor", bare)]), False
        return replace(request, body=orjson.dumps(request.json_object() | {"cursor": bare})), False

    def point_after(self, body: Body, request: Request) -> None:
        """The same cursor, marked."""
        cursor = _cursor(request)
        if not cursor.startswith(GAP):
            body["cursor" if _searches(request) else "cursor_next"] = GAP + cursor

    def point_to_itself(self, body: Body, request: Request) -> bool:
        """The cursor that was sent, or more rows for ever."""
        cursor = _cursor(request)
        if cursor:
            body["cursor" if _searches(request) else "cursor_next"] = cursor
            return True
        if "has_more" in body:
            body["has_more"] = True
        return "has_more" in body


def _cursor(request: Request) -> str:
    """The cursor that was sent, or nothing."""
    return str((request.json_object().get("cursor") if _searches(request) else request.params.get("_cursor")) or "")


def _searches(request: Request) -> bool:
    return request.path.endswith(SEARCH_END)
