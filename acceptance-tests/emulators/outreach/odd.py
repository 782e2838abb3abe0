"""Where Outreach's answers have their rows, cursors and ends, for the oddities."""

from __future__ import annotations

from emulators.messages import Request
from emulators.oddities.form import Body, Form, Row, with_params
from emulators.outreach.resources import BY_ID_ONLY, custom_objects, resources
from emulators.outreach.settings import OutreachOptions

AFTER = "page[after]"
GAP = "gap."
COLUMNS = ("fields[", "provideDataConnections")


class OutreachForm(Form):
    """JSON:API; pages by cursor."""

    page_parameters = frozenset([AFTER, "page[before]", "page[offset]"])

    def __init__(self, options: OutreachOptions) -> None:
        found = [*resources().values(), *custom_objects(options.custom_objects, options.custom_object_names)]
        self._resources = {resource.type: resource for resource in found}
        by_id = [resource.stream for resource in found if resource.plural in BY_ID_ONLY]
        self.underived = frozenset(by_id)

    def question(self, request: Request) -> str:
        """Without the names of columns, and without the links to a CRM."""
        others = {name: value for name, value in request.params.items() if not name.startswith(COLUMNS)}
        return f"{request.method} {request.path} {sorted(others.items())}"

    def attributes(self, row: Row) -> Row:
        """Columns come from there."""
        found = row.get("attributes", row)
        return found if isinstance(found, dict) else row

    def row_of(self, attributes: Row) -> Row:
        """In the envelope of JSON:API."""
        return {"attributes": attributes}

    def identity(self, row: Row) -> str:
        """Ids are numbers from 1 in each collection."""
        return f"{row.get('type')} {row.get('id')}"

    def cursor(self, record: Row) -> str | None:
        """As the documentation allows it."""
        resource = self._resources.get(str(record.get("type")))
        return resource.order if resource else None

    def time(self, record: Row) -> str | None:
        """Where it is no cursor."""
        return "createdAt" if "createdAt" in record and self.cursor(record) == "updatedAt" else None

    def relations(self, row: Row, kind: str) -> bool:
        """`[null]` among many; no type where the resource has one type only."""
        resource = self._resources.get(str(row.get("type")))
        found = False
        for relationship in resource.relationships if resource else ():
            data = (row.get("relationships") or {}).get(relationship.name, {}).get("data")
            if kind == "relation_null" and relationship.how == "many" and isinstance(data, list):
                data.append(None)
                found = True
            is_plain = relationship.how == "one" and len(relationship.types) == 1
            if kind == "relation_typeless" and is_plain and isinstance(data, dict):
                found = data.pop("type", None) is not None or found
        return found

    def size(self, request: Request) -> int:
        """`page[size]`, or `page[limit]` of the older form."""
        given = request.params.get("page[size]") or request.params.get("page[limit]") or "50"
        return int(given) if given.isdigit() else 50

    def is_first(self, request: Request) -> bool:
        """Neither a cursor nor an offset."""
        return AFTER not in request.params and request.params.get("page[offset]", "0") == "0"

    def has_next(self, body: Body) -> bool:
        """By the link."""
        return bool((body.get("links") or {}).get("next"))

    def page_after_gap(self, request: Request) -> tuple[Request, bool] | None:
        """The cursor of the empty page leads to the rows."""
        cursor = request.params.get(AFTER)
        if cursor is None:
            return None
        if not cursor.startswith(GAP):
            return request, True
        return with_params(request, [(AFTER, cursor.removeprefix(GAP))]), False

    def point_after(self, body: Body, request: Request) -> None:
        """The same cursor, marked."""
        cursor = request.params[AFTER]
        if not cursor.startswith(GAP):
            self._point(body, with_params(request, [(AFTER, GAP + cursor)]))

    def point_to_itself(self, body: Body, request: Request) -> bool:
        """By the link."""
        self._point(body, request)
        return True

    @staticmethod
    def _point(body: Body, request: Request) -> None:
        url = f"http://{request.headers.get('host', '')}{request.path}?{request.query}"
        body["links"] = (body.get("links") or {}) | {"next": url}
