"""The stream `record_ids`: the ids that exist now. An anti-join with a table finds what was deleted.

None of the four APIs tells all deletions. The config names the streams (`record_ids_of`); each is listed by the
smallest requests that its API allows, which the connector gives as a plan.

`seen_at` is when the listing of a stream began, the same for all its rows: those of the newest one exist now, also
where a destination merges the rows of all loads; and what a table has got since then is not deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from source_kit import schemas, timestamps
from source_kit.client import HttpClient
from source_kit.endpoint import NoEndpoint
from source_kit.errors import ConfigError, StreamUnavailable
from source_kit.stream import KitStream
from source_kit.work import Fork, Page, Plan, Start

NAME = "record_ids"
Listing = Callable[[], Plan]
"""The plan over all that a stream has now; of its records only `id` is looked at."""


class RecordIds(KitStream):
    """One row for each id of each stream: `stream`, `id`, `seen_at` (UTC). Always read whole."""

    name = NAME
    primary_key = ["stream", "id"]  # type: ignore[assignment]  # noqa: RUF012 - as the CDK takes it
    has_probe = False
    worker_share = 0.5
    endpoint = NoEndpoint(NAME)

    def __init__(
        self, client: HttpClient, listings: Mapping[str, Listing], *, id_type: str | list[str] = "string"
    ) -> None:
        """`listings` by name of stream; `id_type` is the JSON type of the API's ids, or the types."""
        super().__init__(client)
        self._listings = listings
        self._id_type = id_type

    def schema(self) -> schemas.Schema:
        return {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "additionalProperties": True,
            "properties": {
                "stream": {"type": "string", "description": "The stream that has this record."},
                "id": {"type": self._id_type, "description": "The record's id, as in that stream."},
                "seen_at": {**schemas.DATE_TIME, "description": "When this listing of the stream began."},
            },
        }

    def work(self, start: Start) -> Plan:
        """All listings, side by side."""
        yield Fork([self._listed(name, listing) for name, listing in self._listings.items()])

    def _listed(self, name: str, listing: Listing) -> Plan:
        yield from self._rows(name, listing(), timestamps.seconds_z(self.client.clock.now()))

    def _rows(self, name: str, plan: Plan, seen_at: str) -> Plan:
        nameless = 0
        for step in _told(name, plan):
            if isinstance(step, Fork):
                yield replace(step, plans=[self._rows(name, each, seen_at) for each in step.plans])
                continue
            ids = [record["id"] for record in step.records if record.get("id") is not None]
            nameless += len(step.records) - len(ids)
            rows = [{"stream": name, "id": each, "seen_at": seen_at} for each in ids]
            yield Page(rows, warning=None if step.warning is None else f"{name}: {step.warning}")
        if nameless:
            yield Page(warning=f"{nameless} rows of {name} came without an id and are left out.")


def _told(name: str, plan: Plan) -> Plan:
    """The plan. What may not be read is no stream of the sync, but a name in the config."""
    try:
        yield from plan
    except StreamUnavailable as refused:
        raise StreamUnavailable(
            f"{refused.message} It is read for record_ids here: to do without it, take {name} out of record_ids_of.",
            internal_message=refused.internal_message,
        ) from refused


def wanted_ids(
    client: HttpClient, wanted: Sequence[str], known: Callable[[], Mapping[str, Listing]]
) -> list[RecordIds]:
    """The stream of ids, where the config names streams for it. `known` gives what can be listed, by streams of its
    own, since they are read side by side with those of the catalog."""
    return [RecordIds(client, listings_of(wanted, known()))] if wanted else []


def listings_of(wanted: Sequence[str], known: Mapping[str, Listing]) -> dict[str, Listing]:
    """The listings that the config names, in its order. Raises `ConfigError` for names that have none."""
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ConfigError(
            f"record_ids_of names what has no ids to list: {', '.join(unknown)}. It takes: {', '.join(sorted(known))}."
        )
    return {name: known[name] for name in dict.fromkeys(wanted)}
