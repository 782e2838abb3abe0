"""What Close's refusals mean. Phrases as recorded from the API (facts file of the API, sections 2.1, 2.3 and 6)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from source_kit import json_text
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

# A request that is refused for what it asks: 400, and as validation errors usually come.
REFUSED = (400, 422)
# Ids begin with `cf_`; those of fields from before 2020 with `lcf_`.
_CUSTOM_FIELD = re.compile(r"custom\.\w+")
_QUOTED = re.compile(r"""['"`]([A-Za-z_]\w*)\\?['"`]""")
_WORD = re.compile(r"[A-Za-z_]\w*")
# "The limit you set is larger than the maximum limit for this resource (max_limit = 100)."
_CAP = re.compile(r"(max_limit|max_skip) = (\d+)")
# "Input should be less than or equal to 250", beside the parameter's name in a body of unknown form: what
# source-close-com 0.6.16 looks for.
_AT_MOST = re.compile(r"less than or equal to (\d+)")
_PARAMETERS: Mapping[str, str] = {"max_limit": "_limit", "max_skip": "_skip"}


def cap(rejected: Rejected, name: str) -> int | None:
    """The number that a refusal names as `max_limit` or `max_skip`, in either wording.

    One that names no parameter may mean both.
    """
    for found, number in _CAP.findall(rejected.text):
        if found == name:
            return int(number)
    if not any(parameter in rejected.text for parameter in _PARAMETERS.values()):
        return _at_most(rejected.text)
    return _cap_of(rejected.body, _PARAMETERS[name])


def _cap_of(part: Any, parameter: str) -> int | None:
    """The number in the smallest part of a refusal that has the phrase and names the parameter."""
    text = part if isinstance(part, str) else json_text.dumps(part).decode()
    if parameter not in text:
        return None
    if isinstance(part, Mapping) and parameter in part:
        return _at_most(json_text.dumps(part[parameter]).decode())
    parts = part.values() if isinstance(part, Mapping) else part if isinstance(part, list) else ()
    found = next((number for each in parts if (number := _cap_of(each, parameter)) is not None), None)
    return _at_most(text) if found is None else found


def _at_most(text: str) -> int | None:
    found = _AT_MOST.search(text)
    return int(found[1]) if found else None


def is_gone(refused: Rejected | Unavailable) -> bool:
    """What a request names does not exist any more."""
    return refused.status == 404 or (isinstance(refused, Rejected) and "Document has been deleted" in refused.text)


def is_deleted_document(rejected: Rejected) -> bool:
    """A record on the requested page has just been deleted."""
    return rejected.status == 404 and "Document has been deleted" in rejected.text


def is_cursor_error(rejected: Rejected) -> bool:
    """A search or event cursor that is too old (30 s) or too deep (10,000 objects)."""
    return rejected.status in REFUSED and "cursor" in rejected.text.lower()


def is_fields_error(rejected: Rejected) -> bool:
    """A search that named a field which this account does not know."""
    return rejected.status in REFUSED and "_fields" in rejected.text


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
