"""Asking Outreach: in the form that brings most, page after page by cursor, and what is missing where it refuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from source_kit import memory
from source_kit.client import HttpClient
from source_kit.errors import TransientError
from source_kit.fetcher import Answer, Fetcher
from source_kit.page_size import PageSize
from source_kit.rows import Record
from source_kit.rules import Rejected, Unavailable
from source_kit.windows import Fetched, Window
from source_outreach import errors
from source_outreach.config import Settings
from source_outreach.endpoints import CollectionEndpoint, ListAsk
from source_outreach.forms import Form, Forms

# There is a next page, and its link does not say how to ask for it.
LOST = ""
# What stands in the place of the links, or of the next one, is no link.
ODD = "?"
HasLeft = Callable[[Record], bool]


def nothing(record: Record) -> bool:
    """The `HasLeft` of a read that emits all rows."""
    return False


class CollectionFetcher(Fetcher[ListAsk]):
    """Asks for the resources of one collection in the name of a stream."""

    endpoint: CollectionEndpoint

    def __init__(
        self, client: HttpClient, settings: Settings, endpoint: CollectionEndpoint, stream: str, forms: Forms
    ) -> None:
        super().__init__(client, endpoint, stream, PageSize(settings.page_size))
        self.settings = settings
        self.forms = forms

    def fetch(self, asked: ListAsk, has_left: HasLeft = nothing) -> Answer:
        """As the base, in the form that brings most. Refusals say what the user can do, as far as that is known.

        For rows that all have left nothing is asked twice.
        """
        collection, is_app = self.endpoint.collection, self.settings.credentials.is_app
        if not self.settings.allows(collection):
            raise errors.no_app_scope(self.stream, collection.plural)
        try:
            return self._in_best_form(asked, has_left)
        except (Rejected, Unavailable) as refused:
            if isinstance(refused, Rejected) and refused.status == errors.FORBIDDEN:
                raise errors.forbidden(refused, self.stream, collection.plural, is_app=is_app) from refused
            if asked.id is None and not collection.is_listed and refused.status in errors.NO_LIST:
                raise errors.unlisted(refused) from refused
            raise

    def _in_best_form(self, asked: ListAsk, has_left: HasLeft) -> Answer:
        form: Form | None = self.forms.best
        refusal: Rejected | None = None
        answer: Answer | None = None
        while form is not None:
            if answer is not None:  # a page of 45 MB as objects, which is asked for in another form now
                answer = None
                memory.give_back()
            try:
                answer = super().fetch(replace(asked, form=form, is_spent=self.forms.is_learned))
            except Rejected as refused:
                refusal, form = refused, self.forms.after(form, refused)
                if form is None:
                    raise
            else:
                is_old = all(map(has_left, answer.records))
                form = self.forms.answered(form, None if is_old else answer.body, refusal, self.say)
        assert answer is not None
        return answer

    def page(
        self,
        window: Window,
        token: Any = None,
        *,
        count: bool = False,
        limit: int | None = None,
        has_left: HasLeft = nothing,
    ) -> Fetched:
        """One page of a window; see `windows.Fetch`."""
        asked = ListAsk(limit, window=window, after=token, count=count)
        for is_again in (False, True):
            answer = self.fetch(asked, has_left)
            cursor = next_cursor(answer.body)
            # Odd links may be damage; given twice, they are this API's way to say that there is no next page.
            if cursor == ODD and is_again:
                cursor = None
            if cursor not in (LOST, ODD):
                return Fetched(answer.records, answer.asked_at, cursor, counted(answer.body), answer.size)
        raise TransientError(
            f"Reading stream {self.stream} failed: Outreach links to a next page without a cursor, twice. Run the sync "
            "again later; it goes on from the last saved state.",
            internal_message=f"links.next of {self.endpoint.collection.path}",
        )

    def warn(self, text: str) -> None:
        self.say("WARN", text)


def next_cursor(content: Mapping[str, Any]) -> str | None:
    """The cursor in `links.next`, a text or an object with `href`; None at the end: an empty result has no links.

    The address itself is never followed.
    """
    links = content.get("links")
    if not isinstance(links, Mapping):
        return None if links is None else ODD
    address = links.get("next")
    if isinstance(address, Mapping):
        address = address.get("href", ODD)
    if address is None:
        return None
    if not isinstance(address, str) or address in ("", ODD):
        return ODD
    try:
        cursors = parse_qs(urlsplit(address).query).get("page[after]")
    except ValueError:  # `//[`
        cursors = None
    return cursors[0] if cursors else LOST


def counted(content: Mapping[str, Any]) -> int | None:
    """The number of rows of the query; None where it was not asked for, or given up under load."""
    meta = content.get("meta")
    if not isinstance(meta, Mapping):
        return None
    count = meta.get("count")
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        return None
    return None if count == 0 and meta.get("count_truncated") else count
