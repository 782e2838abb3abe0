"""What several streams need to know of the account; each thing is asked for once, by whichever stream comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from source_closeio.custom_fields import LEGACY, RESOURCES, CustomFields, with_shared
from source_closeio.endpoints import ListAsk, ListEndpoint
from source_closeio.fetcher import ListFetcher
from source_kit import timestamps, turn
from source_kit.answers import body
from source_kit.client import HttpClient, Request
from source_kit.rows import objects
from source_kit.rules import Rejected, Unavailable
from source_kit.windows import Beginning

# With which Close refuses to list fields that a plan or a role lacks. Others, a 410 for instance, come and go.
REFUSALS = frozenset({400, 402, 403, 404, 405})
# How the ids of organisations begin.
ORGANIZATION = "orga_"


class AccountFacts:
    """Custom fields, the user of the key and its organisations. Thread-safe."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._lock = turn.Lock()
        self._fields: dict[str, CustomFields] = {}
        self._shared: CustomFields | None = None
        self._me: dict[str, Any] | None = None
        self._has_looked = False
        self._log_refused_with: int | None = None
        self._is_refusal_told = False
        self._latest_event: datetime | None = None
        self._looked_at: datetime | None = None
        self._doubt_of_search: str | None = None
        # Whether the log takes a filter by object type alone, as far as is known; set by whoever is refused it.
        self.filters_events_by_type = True
        # Of its own: the proof waits for the budget of searches, which nothing else here needs.
        self._proof_lock = turn.Lock()

    def custom_fields(self, object_type: str) -> CustomFields:
        """The custom fields of an object type, shared ones included; where they are refused, a WARN says so once."""
        known = self._fields.get(object_type)
        if known is not None:
            return known
        with self._lock:
            if object_type not in self._fields:
                if self._shared is None:
                    self._shared = self._listed("shared")
                    self._tell(self._shared, "that several object types share")
                self._fields[object_type] = known = with_shared(self._listed(object_type), self._shared, object_type)
                self._tell(known, f"of the object type {object_type}")
            return self._fields[object_type]

    def _listed(self, object_type: str) -> CustomFields:
        """A refusal is believed if it is given twice: with one that is damage, all custom values would be missing."""
        path = f"custom_field/{RESOURCES.get(object_type, object_type)}/"
        found = self._listed_at(path)
        if found.refused_with is not None and (found.refused_with != 404 or object_type not in LEGACY):
            found = self._listed_at(path)
        if found.refused_with != 404 or object_type not in LEGACY:
            return found
        self._client.log(
            "INFO",
            f"The custom fields of the object type {object_type} are listed at the old path: the new one answered 404.",
        )
        found = self._listed_at(LEGACY[object_type])
        return found if found.refused_with is None else self._listed_at(LEGACY[object_type])

    def _listed_at(self, path: str) -> CustomFields:
        beginning, pages = Beginning(), self._list(path, "the account's custom fields")
        try:
            found = [field for page in pages.whole() for field in beginning.saw(page).records]
        except (Unavailable, Rejected) as refused:
            if refused.status not in REFUSALS:
                raise
            return CustomFields(refused_with=refused.status)
        fields = [field for field in found if isinstance(field.get("id"), str)]
        return CustomFields(fields, listed_at=beginning.at, without_id=len(found) - len(fields))

    def _list(self, resource: str, what: str) -> ListFetcher:
        """A list that no stream asks for; `what` is its name in messages."""
        pages = ListFetcher(self._client, ListEndpoint(resource), what)
        pages.what = what
        return pages

    def _tell(self, found: CustomFields, whose: str) -> None:
        if found.refused_with:
            self._client.log(
                "WARN",
                f"The custom fields {whose} cannot be read (status {found.refused_with}): their names and types are "
                "missing.",
            )
        if found.without_id:
            self._client.log(
                "WARN",
                f"{found.without_id} of the custom fields {whose} came without an id: their values cannot be asked for "
                "by name.",
            )

    @property
    def me(self) -> dict[str, Any]:
        """The user of the key, with memberships and organisations."""
        with self._lock:
            if self._me is None:
                self._me = dict(body(self._client.send(WHO_AM_I)))
            return self._me

    def doubt_of_search(self, prove: Callable[[], str]) -> str:
        """Why searches do not filter activities by `date_updated`, empty where they do; `prove` is called by whoever
        asks first."""
        with self._proof_lock:
            if self._doubt_of_search is None:
                self._doubt_of_search = prove()
            return self._doubt_of_search

    @property
    def log_refused_with(self) -> int | None:
        """The status with which the event log is refused to the role; None where it may be seen."""
        self._look_at_log()
        return self._log_refused_with

    def tell_log_refused(self) -> None:
        """Warn, once a run, that nothing but searches tells what changed."""
        with self._lock:
            is_told, self._is_refusal_told = self._is_refusal_told, True
        if not is_told:
            self._client.log(
                "WARN",
                f"The event log is refused (status {self.log_refused_with}): a change that Close's search index shows "
                "later than lookback_window_seconds is missed. Let the role of the key's user see the event log, or "
                "raise lookback_window_seconds.",
            )

    @property
    def latest_event(self) -> datetime | None:
        """When the newest event happened, as of the first look: the run's horizon for edits. None without any."""
        self._look_at_log()
        return self._latest_event

    @property
    def looked_at(self) -> datetime | None:
        """When this run first looked for edits, on whichever clock is behind. None before the first answer."""
        return self._looked_at

    def saw(self, asked_at: datetime) -> None:
        """Note when a question was asked whose answer shows how far a look for edits sees."""
        with self._lock:
            self._looked_at = min(self._looked_at or asked_at, asked_at)

    def _look_at_log(self) -> None:
        with self._lock:
            if self._has_looked:
                return
            try:
                answer = self._list("event/", "the event log").fetch(ListAsk(limit=1))
            except (Unavailable, Rejected) as refused:  # with 403, or with 400
                self._log_refused_with = refused.status
            else:
                self.saw(answer.asked_at)
                times = [timestamps.instant(event.get("date_updated")) for event in answer.records]
                self._latest_event = max((time for time in times if time is not None), default=None)
            self._has_looked = True

    @property
    def organization_ids(self) -> list[str]:
        """Those that the key may see: one with an API key. Where none is listed, those that its user is a member of.

        Ids in another form than Close's serve only where there are no others: they may be damage.
        """
        listed = _texts(each.get("id") for each in objects(self.me.get("organizations")))
        joined = _texts(each.get("organization_id") for each in objects(self.me.get("memberships")))
        usual = ([each for each in ids if each.startswith(ORGANIZATION)] for ids in (listed, joined))
        return next(filter(None, (*usual, listed, joined)), [])


def _texts(values: Iterable[Any]) -> list[str]:
    """What is text and not blank, once each."""
    return list(dict.fromkeys(each for each in values if isinstance(each, str) and each.strip()))


def is_user(content: Any) -> bool:
    """Whether an answer says whose key it is."""
    return isinstance(content, dict) and isinstance(content.get("id"), str) and bool(content["id"])


WHO_AM_I = Request("me/", "GET me/", what="the user of the API key", accepts=is_user)
