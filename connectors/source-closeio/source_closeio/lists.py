"""The small collections that are read whole: one row each in `LISTS`.

Close filters none of them by time, so they are read anew in every sync.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from source_closeio.account import AccountFacts
from source_closeio.base import CloseList
from source_closeio.config import Settings
from source_closeio.custom_fields import LEGACY
from source_closeio.endpoints import ListAsk, ListEndpoint
from source_closeio.fetcher import NO_FILTERS, Filters, ListFetcher
from source_closeio.mending import Mending
from source_kit.client import HttpClient
from source_kit.fetcher import Answer
from source_kit.rules import Unavailable
from source_kit.work import Page


@dataclass(frozen=True)
class SmallList:
    """One collection.

    `schema`: the schema file, where it is not named like the stream. `filters`: query parameters. `of_type`: only
    records of that `_type`. `legacy`: the old path, which answers where the new one does not. `nested`: fields with
    objects inside whose date-times lack a zone. `has_secrets`: live secrets of the records leave as null. `key`: the
    field that identifies a record where it has no id.
    """

    name: str
    resource: str
    page_size: int = 100
    schema: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    of_type: str = ""
    legacy: str = ""
    nested: tuple[str, ...] = ()
    has_secrets: bool = False
    key: str = "id"


# Without `type__in` only Smart Views of leads come.
SMART_VIEW_TYPES = {"type__in": "lead,contact,opportunity"}

LISTS = (
    SmallList("custom_fields", "custom_field/lead/", legacy=LEGACY["lead"]),
    SmallList("lead_custom_fields", "custom_field/lead/", schema="custom_fields", legacy=LEGACY["lead"]),
    SmallList("contact_custom_fields", "custom_field/contact/", schema="custom_fields", legacy=LEGACY["contact"]),
    SmallList("opportunity_custom_fields", "custom_field/opportunity/", schema="custom_fields"),
    SmallList("activity_custom_fields", "custom_field/activity/"),
    SmallList("shared_custom_fields", "custom_field/shared/"),
    SmallList("custom_object_custom_fields", "custom_field/custom_object_type/"),
    SmallList("custom_activities", "custom_activity/", nested=("fields",)),
    SmallList("custom_object_types", "custom_object_type/", nested=("fields", "back_reference_fields")),
    SmallList("roles", "role/"),
    SmallList("lead_statuses", "status/lead/"),
    SmallList("opportunity_statuses", "status/opportunity/"),
    SmallList("pipelines", "pipeline/", nested=("statuses",)),
    SmallList("email_templates", "email_template/"),
    SmallList("sms_templates", "sms_template/"),
    SmallList("email_sequences", "sequence/", page_size=1000, nested=("steps",)),
    SmallList(
        "smart_views",
        "saved_search/",
        page_size=600,
        filters=SMART_VIEW_TYPES,
        nested=("sharing_settings",),
    ),
    SmallList("dialer", "dialer/"),
    SmallList("connected_accounts", "connected_account/", has_secrets=True),
    *(
        SmallList(
            f"{kind}_connected_accounts",
            "connected_account/",
            schema="connected_accounts",
            filters={"_type": kind},
            of_type=kind,
            has_secrets=True,
        )
        for kind in ("google", "custom_email", "zoom")
    ),
    SmallList("phone_numbers", "phone_number/"),
    SmallList("blocked_phone_numbers", "blocked_phone_number/"),
    SmallList("email_bulk_actions", "bulk_action/email/"),
    SmallList("edit_bulk_actions", "bulk_action/edit/"),
    SmallList("delete_bulk_actions", "bulk_action/delete/"),
    SmallList("sequence_subscription_bulk_actions", "bulk_action/sequence_subscription/"),
    SmallList("integration_links", "integration_link/"),
    SmallList("webhooks", "webhook/", has_secrets=True),
    SmallList("outcomes", "outcome/"),
    SmallList("playbooks", "playbook/"),
    SmallList("forms", "form/"),
    SmallList("scheduling_links", "scheduling_link/"),
    SmallList("shared_scheduling_links", "shared_scheduling_link/"),
    SmallList("exports", "export/"),
    SmallList("unsubscribed_emails", "unsubscribe/email/", key="email"),
    # Active users; those who left are among the memberships. Last, just before the streams that refer to them.
    SmallList("users", "user/", page_size=1000),
)


def row_of(name: str) -> SmallList:
    """The row of a stream."""
    return next(row for row in LISTS if row.name == name)


class SmallListFetcher(ListFetcher):
    """Asks for a row of `LISTS`; the old path answers where the new one does not."""

    def __init__(self, client: HttpClient, row: SmallList) -> None:
        mending = Mending(row.schema or row.name, row.nested, key=row.key, has_secrets=row.has_secrets)
        super().__init__(client, ListEndpoint(row.resource, mending, row.page_size), row.name)
        self.row = row

    def fetch(self, asked: ListAsk) -> Answer:
        try:
            return super().fetch(asked)
        except Unavailable as unavailable:
            tried, legacy = self.endpoint.resource, self.row.legacy
            if unavailable.status != 404 or not legacy or tried == legacy:
                raise
            self.endpoint = replace(self.endpoint, resource=legacy)
            self.client.log("INFO", f"Stream {self.stream} is read at the old path: {tried} answered 404.")
            return super().fetch(asked)

    def rows(self, filters: Filters = NO_FILTERS) -> Iterator[Page]:
        """All of the wanted type: a filter that Close does not know gives everything, silently."""
        wanted = self.row.of_type
        for page in super().rows({**self.row.filters, **filters}):
            of_type = [record for record in page.records if not wanted or (record.get("_type") or wanted) == wanted]
            yield replace(page, records=of_type)


class SmallListStream(CloseList):
    """A row of `LISTS` as a stream."""

    def __init__(
        self, client: HttpClient, settings: Settings, account: AccountFacts | None = None, *, row: SmallList
    ) -> None:
        self.row = row
        self.name = row.name
        super().__init__(client, settings, account)

    @property
    def schema_name(self) -> str:
        return self.row.schema or self.row.name

    def fetcher(self) -> SmallListFetcher:
        return SmallListFetcher(self.client, self.row)
