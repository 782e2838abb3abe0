"""What Close's refusals mean. Phrases as recorded from the API (facts file of the API, sections 2.1, 2.3 and 6)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from source_kit.rules import Action, Rejected, Rule, Unavailable

RULES = (
    Rule(
        (401,),
        Action.DENIED,
        "Close refused the credentials. Check that the API key is complete and its user active, or authorise again.",
    ),
    Rule(
        (402,),
        Action.UNAVAILABLE,
        "The Close plan does not include this. Remove the stream from the sync or upgrade the plan.",
    ),
    Rule(
        (403,),
        Action.UNAVAILABLE,
        "The user of the API key lacks the permission to read this. Grant it in the user's role or remove the stream "
        "from the sync.",
    ),
    # Recorded by tap-closeio: a record on the requested page was deleted a moment ago. Reading plans step around it.
    Rule(
        (404,),
        Action.REJECT,
        "A record was deleted while its page was read.",
        matches=lambda body: "Document has been deleted" in str(body),
    ),
)

# Ids begin with `cf_`; those of fields from before 2020 with `lcf_`.
_CUSTOM_FIELD = re.compile(r"custom\.\w+")
_QUOTED = re.compile(r"""['"`]([A-Za-z_]\w*)\\?['"`]""")
_WORD = re.compile(r"[A-Za-z_]\w*")
_CAP = re.compile(r"(max_limit|max_skip) = (\d+)")


def cap(rejected: Rejected, name: str) -> int | None:
    """The number in "... larger than the maximum limit for this resource (max_limit = 100)", for either name."""
    for found, number in _CAP.findall(rejected.text):
        if found == name:
            return int(number)
    return None


def is_gone(refused: Rejected | Unavailable) -> bool:
    """What a request names does not exist any more."""
    return refused.status == 404 or (isinstance(refused, Rejected) and "Document has been deleted" in refused.text)


def is_deleted_document(rejected: Rejected) -> bool:
    """A record on the requested page has just been deleted."""
    return rejected.status == 404 and "Document has been deleted" in rejected.text


def is_cursor_error(rejected: Rejected) -> bool:
    """A search or event cursor that is too old (30 s) or too deep (10,000 objects)."""
    return rejected.status == 400 and "cursor" in rejected.text.lower()


def is_fields_error(rejected: Rejected) -> bool:
    """A search that named a field which this account does not know."""
    return rejected.status == 400 and "_fields" in rejected.text


def unknown_fields(rejected: Rejected, asked: Sequence[str]) -> list[str]:
    """Which of the fields that were asked for the refusal is about.

    Custom fields and quoted names are meant for sure. Of plain words, which may be part of the sentence ("no such title
    or id"), only the longest is taken: asking again tells whether that was it.
    """
    text = rejected.text
    sure = {*_CUSTOM_FIELD.findall(text), *_QUOTED.findall(text)}
    words = set(_WORD.findall(text))
    found = [name for name in asked if name in sure]
    return found or sorted((name for name in asked if name in words), key=len)[-1:]
