"""Lists with rules of their own: required or restricted filters, records that only the single GET completes."""

from __future__ import annotations

from typing import Any

from emulators.close.account import Account
from emulators.close.identity import ORGANIZATION_ID, user_id
from emulators.close.lists import (
    BadParameter,
    Selection,
    filtered,
    list_response,
    read_page,
    read_ranges,
    small_list,
)
from emulators.close.objects import CONTACT_IDS, CUSTOM_OBJECT_IDS, OPPORTUNITY_IDS, lead_of, lead_of_contact
from emulators.close.settings import CloseOptions
from emulators.messages import Request, Response, error_response, json_response
from emulators.records import Collection

LARGEST_PAGE, LARGEST_CONTACT_PAGE, LARGEST_OPPORTUNITY_PAGE = 100, 200, 250
Values = dict[str, str]
Record = dict[str, Any]


class RuledLists:
    """The endpoints; each takes a request and the values of its path."""

    def __init__(self, account: Account, options: CloseOptions) -> None:
        self._account, self._options = account, options

    def contacts(self, request: Request, values: Values) -> Response:
        """`GET /contact/`: only `lead_id` filters; newest creation first."""
        return self._objects(request, self._account.contacts, LARGEST_CONTACT_PAGE, CONTACT_IDS.prefix)

    def custom_objects(self, request: Request, values: Values) -> Response:
        """`GET /custom_object/` wants a lead."""
        if not request.params.get("lead_id"):
            return error_response(400, "lead_id is required.")
        return self._objects(request, self._account.custom_objects, LARGEST_PAGE, CUSTOM_OBJECT_IDS.prefix)

    def opportunities(self, request: Request, values: Values) -> Response:
        """`GET /opportunity/`: filters and orders by either date; the answer has totals."""
        params, collection = request.params, self._account.opportunities
        try:
            page = read_page(params, LARGEST_OPPORTUNITY_PAGE, self._options)
            ranges = read_ranges(params, ("date_created", "date_updated"))
        except BadParameter as error:
            return error.response()
        order = params.get("_order_by", "")
        by_update = order.removeprefix("-") == "date_updated"
        also, key = self._of_lead(request, OPPORTUNITY_IDS.prefix)
        view, searched = filtered(collection, None, ranges, self._options)
        selection = Selection(
            view, ranges, "date_updated" if by_update else "date_created",
            descending=order.startswith("-") or not order, also=also, also_key=key, searched=searched,
        )  # fmt: skip
        response = list_response(collection, selection, page, total=True)
        response.body = response.body[:-1] + b',"count_by_value_period":{},"total_value_one_time":0}'
        return response

    def smart_views(self, request: Request, values: Values) -> Response:
        """`type` is `lead` unless something else is asked for."""
        types = (request.params.get("type__in") or request.params.get("type") or "lead").split(",")
        views = [view for view in self._account.small["smart_views"] if view["type"] in types]
        return small_list(views, request, 600, self._options)

    def connected_accounts(self, request: Request, values: Values) -> Response:
        """`_type` filters where the option says so; otherwise it is silently ignored."""
        kind = request.params.get("_type") if self._options.connected_type_filter else None
        accounts = [each for each in self._account.small["connected_accounts"] if kind in (None, each["_type"])]
        return small_list(accounts, request, LARGEST_PAGE, self._options)

    def groups(self, request: Request, values: Values) -> Response:
        """Without members."""
        bare = [{name: group[name] for name in group if name != "members"} for group in self._account.groups]
        return small_list(bare, request, LARGEST_PAGE, self._options)

    def group(self, request: Request, values: Values) -> Response:
        """With members."""
        found = [group for group in self._account.groups if group["id"] == values["id"]]
        return json_response(found[0]) if found else error_response(404, "Empty query: Document does not exist.")

    def send_as(self, request: Request, values: Values) -> Response:
        """Either id must be that of the key's own user; without one, what that user allowed."""
        me = user_id(0)
        given = {
            name: request.params[name] for name in ("allowing_user_id", "allowed_user_id") if name in request.params
        }
        if any(value != me for value in given.values()):
            return error_response(403, "You may only ask for yourself.")
        name = next(iter(given), "allowing_user_id")
        found = [each for each in self._account.send_as if each[name] == me]
        return small_list(found, request, LARGEST_PAGE, self._options)

    def subscriptions(self, request: Request, values: Values) -> Response:
        """One of three filters is required."""
        for name in ("sequence_id", "contact_id", "lead_id"):
            wanted = request.params.get(name)
            if wanted:
                found = [each for each in self._account.subscriptions if each[name] == wanted]
                return small_list(found, request, LARGEST_PAGE, self._options)
        return error_response(400, "One of sequence_id, contact_id, lead_id is required.")

    def comment_threads(self, request: Request, values: Values) -> Response:
        """Threads by their ids or by those of the objects they belong to."""
        params = request.params
        ids, objects = (set(filter(None, params.get(name, "").split(","))) for name in ("ids", "object_ids"))
        if not ids and not objects:
            return error_response(400, "One of ids, object_ids is required.")
        found = [each for each in self._account.threads if each["id"] in ids or each["object_id"] in objects]
        return small_list(found, request, LARGEST_PAGE, self._options)

    def comments(self, request: Request, values: Values) -> Response:
        """Comments of one thread or one object."""
        given = {name: request.params[name] for name in ("object_id", "thread_id") if request.params.get(name)}
        if len(given) != 1:
            return error_response(400, "Exactly one of object_id, thread_id is required.")
        ((name, wanted),) = given.items()
        comments = [comment for thread in self._account.threads for comment in thread["comments"]]
        return small_list([each for each in comments if each[name] == wanted], request, LARGEST_PAGE, self._options)

    def organization(self, request: Request, values: Values) -> Response:
        """One organization, with the memberships of those who are there and those who left."""
        if values["id"] != ORGANIZATION_ID:
            return error_response(404, "Empty query: Document does not exist.")
        record = self._account.organization()
        names = request.params.get("_fields")
        wanted = set(names.split(",")) if names else set(record)
        return json_response({name: value for name, value in record.items() if name in wanted})

    def _objects(self, request: Request, collection: Collection, largest: int, prefix: str) -> Response:
        try:
            page = read_page(request.params, largest, self._options)
        except BadParameter as error:
            return error.response()
        also, key = self._of_lead(request, prefix)
        selection = Selection(collection.view(), {}, "date_created", descending=True, also=also, also_key=key)
        return list_response(collection, selection, page)

    def _of_lead(self, request: Request, prefix: str) -> tuple[Any, Any]:
        lead = request.params.get("lead_id")
        if not lead:
            return None, None
        wanted = self._account.leads.ids.number(lead)
        account = self._account
        owner = lead_of_contact if prefix == CONTACT_IDS.prefix else lead_of
        return (
            lambda number: account.surviving_lead(owner(number, self._options.leads)) == wanted,
            (prefix, lead, len(account.moved)),
        )
