"""Where Kustomer's answers have their rows, cursors and ends, for the oddities."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from emulators.kustomer.flat import snake
from emulators.messages import Request
from emulators.oddities.form import Body, Form, Row, with_params

# Their children show the time of their parents.
PARENTS = ("conversation", "customer")
CHILDREN = ("attachment", "conversation_event", "work_item", "satisfaction_response", "customer_merge")


class KustomerForm(Form):
    """JSON:API; pages by number, audit logs by `after`."""

    page_parameters = frozenset(["page", "after"])
    underived = frozenset(["sla_versions", "custom_attributes", "satisfaction_responses"])
    derived: Mapping[str, str] = MappingProxyType({"deleted_records": "deleted_at"})
    times_out = True

    def attributes(self, row: Row) -> Row:
        """Rows of a search for ids have none."""
        found = row.get("attributes", row)
        return found if isinstance(found, dict) else row

    def row_of(self, attributes: Row) -> Row:
        """In the envelope of JSON:API."""
        return {"attributes": attributes}

    def column(self, attribute: str) -> str:
        """In snake_case."""
        return snake(attribute)

    def raw_record(self, record: Row) -> Row:
        """The two times."""
        times = {"created_at": "createdAt", "updated_at": "updatedAt"}
        return {times.get(name, name): value for name, value in record.items()}

    def cursor(self, record: Row) -> str | None:
        """Not of what has children, nor of children."""
        if record.get("type") in (*PARENTS, *CHILDREN):
            return None
        return next((name for name in ("updatedAt", "createdAt") if name in record), None)

    def time(self, record: Row) -> str | None:
        """Where it is no cursor."""
        return "createdAt" if "createdAt" in record and self.cursor(record) != "createdAt" else None

    def relations(self, row: Row, kind: str) -> bool:
        """`[null]` among many, no type at one."""
        found = False
        for relationship in (row.get("relationships") or {}).values():
            data = relationship.get("data")
            if kind == "relation_null" and isinstance(data, list):
                data.append(None)
                found = True
            elif kind == "relation_typeless" and isinstance(data, dict):
                found = data.pop("type", None) is not None or found
        return found

    def size(self, request: Request) -> int:
        """`pageSize`, or `count` of audit logs."""
        given = request.params.get("pageSize") or request.params.get("count") or "100"
        return int(given) if given.isdigit() else 100

    def subject(self, request: Request) -> str:
        """Searches of all kinds have one path."""
        kind = request.json_object().get("queryContext") if request.method == "POST" else None
        return f"{super().subject(request)} {kind or ''}".strip()

    def is_first(self, request: Request) -> bool:
        """Neither a page nor a cursor."""
        return request.params.get("page", "1") == "1" and not request.params.get("after")

    def has_next(self, body: Body) -> bool:
        """By the link."""
        return bool((body.get("links") or {}).get("next"))

    def page_after_gap(self, request: Request) -> tuple[Request, bool] | None:
        """The second page is empty; those after it are one further on than they say."""
        page = request.params.get("page", "1")
        numbered = page.isdigit() and "after" not in request.params
        if not numbered or int(page) < 2 or request.path.endswith(("/attachments", "/audit-logs")):
            return None
        if page == "2":
            return request, True
        return with_params(request, [("page", str(int(page) - 1))]), False

    def point_after(self, body: Body, request: Request) -> None:
        """To the next number."""
        following = with_params(request, [("page", str(int(request.params["page"]) + 1))])
        body["links"] = (body.get("links") or {}) | {"next": f"{request.path}?{following.query}"}

    def point_to_itself(self, body: Body, request: Request) -> bool:
        """By the link."""
        body["links"] = (body.get("links") or {}) | {"next": f"{request.path}?{request.query}"}
        return True
