"""What a list is asked for beyond its default answer: links to a CRM, and attributes that come only by name.

`provideDataConnections=true` adds `meta.dataConnections`. `fields[<type>]=a,b` brings hidden attributes, and leaves out
every attribute and relationship that it does not name: so the names of all others are taken from the table and from a
default answer. Whatever of it Outreach refuses is given up, and the answer is the default one.

Reference: developers.outreach.io/api/making-requests (sparse fieldsets); which statuses refuse them is not published.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from source_kit.rules import Rejected
from source_outreach.collections import Collection
from source_outreach.errors import FORBIDDEN, missing_scope

# A parameter, or an address that became too long with it.
REFUSED = (400, 414, 422)
# Takes a level and a text for the log.
Say = Callable[[str, str], None]


@dataclass(frozen=True)
class Form:
    """One way to ask: with links to a CRM, for these attributes and relationships only, in an order."""

    connections: bool = False
    fields: tuple[str, ...] = ()
    sort: str = ""

    def params(self, kind: str) -> dict[str, str]:
        """The parameters for resources of that type."""
        params = {CONNECTIONS: "true"} if self.connections else {}
        if self.fields:
            params[f"fields[{kind}]"] = ",".join(self.fields)
        return {**params, "sort": self.sort} if self.sort else params


PLAIN = Form()
CONNECTIONS = "provideDataConnections"
WITH_CONNECTIONS = (Form(connections=True), PLAIN)


class Notices:
    """What is said once in a sync, whichever stream meets it first."""

    def __init__(self) -> None:
        self._said: set[str] = set()
        self._lock = threading.Lock()

    def is_first(self, what: str) -> bool:
        """Whether nobody has asked for this before."""
        with self._lock:
            is_first = what not in self._said
            self._said.add(what)
            return is_first


class Forms:
    """The form in which one stream asks, and what is tried where it is refused. Thread-safe.

    `forms` from the best to the barest. `wanted` gives the attributes that the default answer may lack; it is called
    once something is read, since the catalog is not known before.
    """

    def __init__(
        self,
        collection: Collection,
        forms: Sequence[Form] = (PLAIN,),
        wanted: Callable[[], Set[str]] = frozenset,
        notices: Notices | None = None,
    ) -> None:
        self._collection = collection
        self._find_wanted = wanted
        self._notices = notices or Notices()
        self._lock = threading.Lock()
        self._is_learned = False
        # A form that was answered once is refused for another reason than itself.
        self._forms = list(forms)
        self._answered: set[Form] = set()
        # Refused without a word of what they ask for while a barer one was answered, and asked in once more.
        self._doubted: set[Form] = set()

    @cached_property
    def _wanted(self) -> frozenset[str]:
        return frozenset(self._find_wanted())

    @property
    def best(self) -> Form:
        """The one to ask in."""
        return self._forms[0]

    @property
    def is_learned(self) -> bool:
        """Whether the resources of an answer tell nothing new."""
        return self._is_learned or not self._wanted

    def after(self, form: Form, refusal: Rejected) -> Form | None:
        """The next form to try; None where the refusal is of the request itself."""
        with self._lock:
            if form not in self._forms:  # given up meanwhile, for another page
                return self._forms[0]
            if form in self._answered:
                return None
            barer = self._forms[self._forms.index(form) + 1 :]
            return next((other for other in barer if self._may_help(other, form, refusal)), None)

    def _may_help(self, other: Form, refused: Form, refusal: Rejected) -> bool:
        """Whether a barer form may be answered where one was refused."""
        if self._doubted:  # one was answered before, whatever the status is this time
            return True
        if refusal.status == FORBIDDEN:
            is_own = missing_scope(refusal) == f"{self._collection.plural}.read"
            return not is_own and refused.connections and not other.connections
        return refusal.status in REFUSED

    def answered(self, form: Form, content: Any, refusal: Rejected | None, say: Say) -> Form | None:
        """Note an answer, and the refusal before it; a form to ask in again, where it brings more.

        A refusal that does not speak of what it refuses may be the whim of a firewall: the best form gets another try.
        """
        with self._lock:
            best = self._forms[0]
            if refusal is not None and best not in self._doubted and self._is_odd(refusal, best, form):
                self._doubted.add(best)
                return best
            self._answered.add(form)
            if form in self._forms[1:] and refusal is not None:
                given_up, self._forms = self._forms[0], self._forms[self._forms.index(form) :]
                self._tell(given_up, form, refusal, say)
            rows = [] if self.is_learned else _resources(content)
            if not rows:
                return None
            self._is_learned = True
            known = frozenset(name for row in rows for name in _names(row))
            missing = self._wanted - known
            if not missing:
                return None
            connections = self._forms[0].connections
            self._forms = [*(Form(connections, fields) for fields in self._fields(known, missing)), Form(connections)]
            return self.best

    def _is_odd(self, refusal: Rejected, best: Form, kept: Form) -> bool:
        """Whether links or wanted attributes would be given up for a refusal that does not name the parameter."""
        loses_links = best.connections and not kept.connections and CONNECTIONS not in refusal.text
        return loses_links or bool(best.fields and not kept.fields and self._wanted)

    def _fields(self, known: frozenset[str], missing: frozenset[str]) -> Iterator[tuple[str, ...]]:
        """Names to ask for, the most first: some that the table has, or the user wants, may not be known there."""
        collection = self._collection
        table = {*collection.attributes, *collection.one, *collection.many}
        seen = set()
        for names in (table | known | missing, known | missing, known | (missing & {*collection.hidden})):
            if frozenset(names) not in seen and names != known:
                seen.add(frozenset(names))
                yield tuple(sorted(names))

    def _tell(self, given_up: Form, kept: Form, refusal: Rejected, say: Say) -> None:
        why = refusal.internal_message
        if given_up.connections and not kept.connections:
            level = "WARN" if self._notices.is_first("connections") else "INFO"
            say(
                level,
                f"Outreach refused provideDataConnections ({why}). Records come without links to the CRM here, and "
                "wherever else it refuses them: dataConnections is null.",
            )
        if (given_up.sort, kept.sort) == ("id", "") or ("id" in given_up.fields and not kept.fields):
            say("WARN", f"Outreach refused to list ids alone ({why}): the list takes longer.")
            return
        lost = sorted(self._wanted - {*kept.fields}) if given_up.fields else []
        if lost:
            say("WARN", f"Outreach refused to give {', '.join(lost)} ({why}): their columns stay empty.")


def _resources(content: Any) -> list[Mapping[str, Any]]:
    data = content.get("data") if isinstance(content, Mapping) else None
    rows = data if isinstance(data, list) else [data]
    return [row for row in rows if isinstance(row, Mapping) and isinstance(row.get("attributes"), Mapping)]


def _names(resource: Mapping[str, Any]) -> Iterator[str]:
    """The names of what becomes a column."""
    yield from resource["attributes"]
    relationships = resource.get("relationships")
    for name, each in relationships.items() if isinstance(relationships, Mapping) else ():
        if isinstance(each, Mapping) and "data" in each:
            yield name
