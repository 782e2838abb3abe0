"""All streams: one per collection of the table, one per custom object, and the two that are read by id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from source_kit.client import HttpClient, Request
from source_kit.errors import TransientError
from source_kit.rules import Rejected, Unavailable
from source_kit.work import Page, Plan, Start
from source_outreach.base import OutreachStream
from source_outreach.collections import BUCKET, CUSTOM_OBJECT, Collection, table
from source_outreach.config import Settings
from source_outreach.discovery import Account
from source_outreach.endpoints import ONE_ROW, ListAsk, is_list_of_resources
from source_outreach.errors import FORBIDDEN, NO_IMPORTS, NO_LIST, no_app_scope, no_schema
from source_outreach.forms import Notices


class ByIdStream(OutreachStream):
    """Resources that Outreach gives one by one only. `ids` says which there are."""

    @property
    def missing(self) -> str:
        """What the user is told where there is nothing to ask for."""
        return (
            f"Outreach gives {self.collection.plural} by id only, and none is known. Remove {self.name} from the sync."
        )

    @property
    def is_reachable(self) -> bool:
        """Whether anything can be asked for with this config and account; else the stream is not in the catalog."""
        try:
            return bool(self.ids())
        except TransientError:  # nobody knows; the other streams must not suffer
            return True

    def ids(self) -> Sequence[int | str]:
        """What can be asked for."""
        raise NotImplementedError

    def probe(self) -> None:
        """As a read of the first resource."""
        next(self.work(Start(incremental=False)), None)

    def work(self, start: Start) -> Plan:
        """One request a resource."""
        ids = self.ids()
        if not ids:
            raise Unavailable(self.missing)
        for one in ids:
            asked = ListAsk(id=one)
            try:
                # Nothing may be damage: asked again once.
                records = self.pages.fetch(asked).records or self.pages.fetch(asked).records
            except Unavailable as unavailable:
                if unavailable.status != 404:
                    raise
                records = []
            if not records:
                self.pages.warn(f"there is nothing with the id {one}.")
            yield Page(records)


class Imports(ByIdStream):
    """Imports of records: a list where the account has one, else those of the option `import_ids`."""

    missing = NO_IMPORTS

    def ids(self) -> Sequence[int | str]:
        return self.settings.import_ids

    @property
    def is_reachable(self) -> bool:
        """By the ids of the config, or as a list: that is in no documentation."""
        try:
            if not self.settings.import_ids:
                self.probe()
        except (Unavailable, Rejected, TransientError) as failure:
            # A missing scope, for instance, `check` and a read tell.
            if isinstance(failure, Unavailable) and failure.status not in NO_LIST:
                return True
            self.client.log("INFO", f"Outreach gave no list of imports: {failure.internal_message}.")
            return False
        return True

    def probe(self) -> None:
        """As a read."""
        if self.settings.import_ids:
            super().probe()
        else:
            OutreachStream.probe(self)

    def work(self, start: Start) -> Plan:
        """By ids where the config has some."""
        return super().work(start) if self.settings.import_ids else OutreachStream.work(self, start)


class UnlistedObject(OutreachStream):
    """The stream of a custom object of the catalog while nothing tells which there are: reading it says so."""

    def __init__(self, client: HttpClient, settings: Settings, name: str, account: Account) -> None:
        super().__init__(client, settings, Collection(name, name, "updatedAt", stream=name), account)

    def work(self, start: Start) -> Plan:
        """Nothing but the reason."""
        if self.settings.credentials.is_app:
            raise no_app_scope(self.name, "custom objects")
        raise no_schema(self.name)
        yield  # a plan


class OrgSettings(ByIdStream):
    """The settings of the organisation, whose id other answers tell."""

    def ids(self) -> Sequence[int | str]:
        return self.account.organisation_ids()


CLASSES: Mapping[str, type[OutreachStream]] = {"imports": Imports, "org_settings": OrgSettings}


def build(client: HttpClient, settings: Settings, account: Account) -> list[OutreachStream]:
    """One instance of every stream of the table."""
    notices = Notices()
    return [
        CLASSES.get(stream, OutreachStream)(client, settings, collection, account, notices)
        for stream, collection in table().items()
    ]


def custom(client: HttpClient, settings: Settings, account: Account) -> list[OutreachStream]:
    """One instance per custom object, which takes a request to find."""
    return [OutreachStream(client, settings, collection, account) for collection in account.custom_objects()]


def custom_for(
    names: Sequence[str], client: HttpClient, settings: Settings, account: Account
) -> Sequence[OutreachStream]:
    """Those of the catalog, without a request where it has none; if they cannot be looked up, they say so when read."""
    wanted = [name for name in names if name.startswith(CUSTOM_OBJECT)]
    if wanted and account.is_schema_missing():
        return [UnlistedObject(client, settings, name, account) for name in wanted]
    return custom(client, settings, account) if wanted else []


def reachable(streams: Sequence[OutreachStream], client: HttpClient) -> list[OutreachStream]:
    """The streams without those of which this config and account reach nothing; up to three requests."""
    barred = [stream.name for stream in streams if not stream.settings.allows(stream.collection)]
    if barred:
        client.log(
            "INFO",
            f"Outreach gives apps (S2S) no scope for {', '.join(barred)}: these streams, and custom objects, are left "
            "out. A connection by OAuth reads them.",
        )
    kept = []
    for stream in streams:
        if stream.name in barred:
            continue
        if not isinstance(stream, ByIdStream) or stream.is_reachable:
            kept.append(stream)
        else:
            client.log("INFO", f"Stream {stream.name} is left out: {stream.missing}")
    return kept


def token_probe(client: HttpClient) -> None:
    """One cheap request; a token that lacks this very scope is a good token."""
    what = "the users of the account"
    try:
        client.send(Request("users", BUCKET, params=ONE_ROW, what=what, accepts=is_list_of_resources))
    except Rejected as rejected:
        if rejected.status != FORBIDDEN:
            raise
