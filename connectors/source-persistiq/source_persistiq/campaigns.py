"""What hangs on campaigns: their leads and the replies to them, one list for each campaign."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from source_kit import timestamps
from source_kit.client import HttpClient
from source_kit.numbered import Fetch, Listed, NumberedList
from source_kit.rules import Unavailable
from source_kit.state_input import broken, cursor_instant
from source_kit.timestamps import seconds_z
from source_kit.work import Fork, Page, Plan, Record, Start, in_order
from source_persistiq.base import FIRST, NEVER, PersistiqStream
from source_persistiq.config import Settings
from source_persistiq.endpoints import CampaignLeadsEndpoint, ListEndpoint
from source_persistiq.fetcher import is_named, list_of

# Replies enter PersistIQ when a mailbox is polled, with the time at which they were sent.
REPLY_LOOKBACK = timedelta(days=1)
STATES_OF_CHILDREN = 20
# Campaigns that are not there any more, with what PersistIQ answered.
Gone = dict[str, Unavailable]


class CampaignChild(PersistiqStream):
    """A list under each campaign. Campaigns are listed anew in every read."""

    starts_after = ("campaigns",)
    worker_share = 0.5

    def campaigns(self) -> tuple[list[str], datetime]:
        """Their ids, and when they were asked for."""
        walk = list_of(self.client, "campaigns", self.name).whole()
        rows = [row for page in in_order(walk.read()) for row in page.records]
        named = [row for row in rows if is_named(row)]
        if len(named) < len(rows):
            self.warn(
                f"{len(rows) - len(named)} campaigns have no id, so that their {self.endpoint.rows_key} cannot be read."
            )
        return list(dict.fromkeys(str(row["id"]) for row in named)), walk.began or self.client.clock.now()

    def child(
        self,
        campaign: str,
        gone: Gone,
        fetch: Fetch | None = None,
        keep: Callable[[Record], bool] | None = None,
    ) -> Plan:
        """The list of one campaign. One that was deleted meanwhile is passed over with a warning."""
        try:
            every = partial(self.pages.page, campaign=campaign)
            yield from NumberedList(fetch or every, keep=keep, warn=self.warn).read()
        except Unavailable as error:
            if error.status != 404:
                raise
            gone[campaign] = error
            self.warn("a campaign was passed over, because it is not there any more.")

    def check_gone(self, gone: Gone, campaigns: int) -> None:
        """If no campaign at all has the list, the account does not; unless all of them were deleted meanwhile."""
        if gone and len(gone) == campaigns and (listed := gone.keys() & set(self.campaigns()[0])):
            raise gone[listed.pop()]

    def probe(self) -> None:
        """The list of one campaign, if there is any."""
        campaigns = list_of(self.client, "campaigns", self.name).page(1).records
        for campaign in list(filter(is_named, campaigns))[:1]:
            self.pages.page(1, campaign=str(campaign["id"]))

    def everything(self) -> Plan:
        """The lists of all campaigns, whole."""
        campaigns, _ = self.campaigns()
        gone: Gone = {}
        yield Fork([self.child(campaign, gone) for campaign in campaigns])
        self.check_gone(gone, len(campaigns))


class CampaignLeads(CampaignChild):
    """The leads of each campaign, with `lead_id` beside the whole lead."""

    name = "campaign_leads"

    def __init__(self, client: HttpClient, settings: Settings) -> None:
        super().__init__(client, settings, endpoint=CampaignLeadsEndpoint())

    def work(self, start: Start) -> Plan:
        return self.everything()


class CampaignReplies(CampaignChild):
    """Replies to each campaign, by `sent_at`; the state keeps how far each campaign has been read."""

    name = "campaign_replies"
    cursor_field = "sent_at"

    def __init__(self, client: HttpClient, settings: Settings) -> None:
        super().__init__(client, settings, endpoint=ListEndpoint("replies", schema=self.name))

    def work(self, start: Start) -> Plan:
        """The campaigns side by side; one that the state does not know is read from `start_date`. Later reads go back
        behind their state, so they save none before their end. States are made when all before them has been read:
        only then it is known which campaigns are gone."""
        campaigns, began = self.campaigns()
        known, until, begin = self._known(start, campaigns), self.reached(began), self.lower(Start(False))
        every = max(1, len(campaigns) // STATES_OF_CHILDREN)
        gone: Gone = {}
        ignores_start: list[bool] = []
        plans: list[Plan] = []

        def state_of(done: Sequence[str], **cursor: str) -> Page:
            reached = known | {key: max(until, known.get(key, until)) for key in done if key not in gone}
            return Page((), {**cursor, "campaigns": {key: seconds_z(instant) for key, instant in reached.items()}})

        def told(done: Sequence[str]) -> Plan:
            yield Fork()
            yield state_of(done)

        for number, campaign in enumerate(campaigns, 1):
            lower = max(begin, known.get(campaign, begin) - REPLY_LOOKBACK)
            lower = timestamps.floor(lower, timestamps.SECOND)
            plans.append(self._replies(campaign, lower, gone, ignores_start))
            if number % every == 0 and "sent_at" not in start.position:
                plans.append(told(campaigns[:number]))
        yield Fork(plans)
        self.check_gone(gone, len(campaigns))
        if True in ignores_start:
            self.warn("PersistIQ ignored start_at, so that all replies were read.")
        yield state_of(campaigns, sent_at=seconds_z(until))

    def _replies(self, campaign: str, lower: datetime, gone: Gone, ignores_start: list[bool]) -> Plan:
        """The replies to a campaign from `lower` on. Where earlier ones come nevertheless, they arrived late, unless
        PersistIQ turns out to ignore the filter: then they are left out."""
        end = self.end
        filters = {} if lower <= FIRST else {"start_at": seconds_z(lower)}
        # Bounds are asked for in whole seconds and inclusive: what lies beyond them by less than that is left out here.
        filters |= {} if end is None else {"end_at": seconds_z(end + timestamps.SECOND)}
        begin = self.lower(Start(False))

        def is_older(record: Record) -> bool:
            return not timestamps.is_within(record.get("sent_at"), lower, None)

        def fetch(number: int) -> Listed:
            listed = self.pages.page(number, filters, campaign)
            if lower > FIRST and not ignores_start and any(map(is_older, listed.records)):
                ignores_start.append(bool(self.pages.unasked({"start_at": NEVER}, campaign)))
            return listed

        def keep(record: Record) -> bool:
            at = timestamps.instant(record.get("sent_at"))
            if at is not None and (lower <= at < begin or (end is not None and at >= end)):
                return False
            return True not in ignores_start or not is_older(record)

        return self.child(campaign, gone, fetch, keep) if filters else self.child(campaign, gone)

    def _known(self, start: Start, campaigns: Iterable[str]) -> dict[str, datetime]:
        """How far each campaign that still exists has been read. A state without a map speaks of all of them."""
        given = start.position.get("campaigns")
        if given is None:
            return dict.fromkeys(campaigns, self.lower(start)) if "sent_at" in start.position else {}
        if not isinstance(given, Mapping):
            raise broken(self.name, "holds something else than an object in campaigns")
        instants = {campaign: cursor_instant(self.name, given, campaign) for campaign in campaigns}
        return {campaign: max(instant, FIRST) for campaign, instant in instants.items() if instant is not None}
