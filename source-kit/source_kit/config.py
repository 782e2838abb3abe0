"""Reads a connector's configuration: aliases, types, ranges, and the options that all connectors share.

A `ConfigReader` collects every problem, so that the user sees all of them at once; nothing of a value is ever shown.
Keys that nobody declared are ignored: configs of the Airbyte and Singer connectors of the same API work unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from source_kit import dates
from source_kit.addresses import origin_of
from source_kit.errors import ConfigError
from source_kit.hosts import RefusedURL, checked_url
from source_kit.input_files import kind

Aliases = Mapping[str, Sequence[str]]

# The same pattern stands in every spec.yaml (tests compare them). A date means its midnight, no zone means UTC.
START_DATE_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?$"
)
MAX_WINDOW_SECONDS = 315_360_000  # ten years; the bound only keeps `now - window` a valid date


@dataclass(frozen=True)
class CommonDefaults:
    """What a connector chooses for the options that all connectors share; the URLs are the vendor's."""

    user_agent: str
    num_workers: int
    api_url: str
    token_url: str | None = None
    lookback_window_seconds: int = 0


@dataclass(frozen=True)
class CommonOptions:
    """The options that all connectors share, checked. `api_url` ends in `/`; times are aware and in UTC.

    `start_date` is inclusive, `end_date` exclusive.
    """

    start_date: datetime | None
    user_agent: str
    num_workers: int
    lookback_window_seconds: int
    rate_limit_share: float
    max_requests_per_minute: int | None
    api_url: str
    token_url: str | None
    trust_foreign_state: bool = False
    end_date: datetime | None = None
    record_ids_of: tuple[str, ...] = ()

    @property
    def lag(self) -> timedelta:
        """How long after its time a record may not be found yet: states stay so far behind the time of a request."""
        return timedelta(seconds=self.lookback_window_seconds)


def apply_aliases(config: Mapping[str, Any], aliases: Aliases) -> dict[str, Any]:
    """A copy with each canonical key filled from its first alias that has a value; the canonical key wins."""
    result = dict(config)
    for key, others in aliases.items():
        if result.get(key) in (None, ""):
            found = next((config[other] for other in others if config.get(other) not in (None, "")), None)
            if found is not None:
                result[key] = found
    return result


class ConfigReader:
    """Typed access to one config object. A wrong value adds a problem and yields the default; null is absent."""

    def __init__(self, config: Mapping[str, Any], *, prefix: str = "", problems: list[str] | None = None) -> None:
        self._config = config
        self._prefix = prefix
        self.problems: list[str] = [] if problems is None else problems
        self.warnings: list[str] = []

    def section(self, key: str) -> ConfigReader | None:
        """A nested object, whose problems are reported here; `None` if absent."""
        value = self._config.get(key)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.problem(key, f"must be an object, not {kind(value)}")
            return None
        return ConfigReader(value, prefix=f"{self._prefix}{key}.", problems=self.problems)

    def has(self, key: str) -> bool:
        """Whether the user gave a value (null is none)."""
        return self._config.get(key) is not None

    def keys(self) -> list[str]:
        """The keys that have a value."""
        return [key for key, value in self._config.items() if value is not None]

    def problem(self, key: str, text: str) -> None:
        """Note that the value of `key` will not do: `text` goes on after the key's name."""
        self.problems.append(f"{self._prefix}{key} {text}")

    def raise_problems(self) -> None:
        """Raise one `ConfigError` that names every problem found so far."""
        if self.problems:
            raise ConfigError(f"The configuration cannot be used: {'; '.join(dict.fromkeys(self.problems))}.")

    def secret(self, key: str) -> str:
        """A required key or token, without surrounding white space (copied line ends are common)."""
        value = self.whole_text(key).strip()
        if not value.isascii() or not value.isprintable() or " " in value:
            self.problem(key, "holds a space, a line break or a special character inside: copy it again")
            return ""
        return value

    def whole_text(self, key: str) -> str:
        """A required text of several lines, as it is."""
        value = self._config.get(key)
        if value is None:
            self.problem(key, "is missing")
        elif not isinstance(value, str):
            self.problem(key, f"must be a string, not {kind(value)}")
        elif not value.strip():
            self.problem(key, "is empty")
        else:
            return value
        return ""

    def identifier(self, key: str) -> str:
        """An id or a token for one segment of a path; a number is taken for its text, absent is empty."""
        value = self._config.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self.secret(key) if value not in (None, "") else ""

    def text(self, key: str, default: str) -> str:
        """A text that can go into an HTTP header; empty means the default."""
        value = self._config.get(key)
        if value is None or value == "":
            return default
        if not isinstance(value, str):
            self.problem(key, f"must be a string, not {kind(value)}")
            return default
        if not value.strip().isascii() or not value.strip().isprintable():
            self.problem(key, "may hold only printable ASCII characters")
            return default
        return value.strip() or default

    def choice(self, key: str, allowed: Sequence[str], default: str) -> str:
        """One of a few words."""
        value = self._config.get(key, default)
        if isinstance(value, str) and value.strip() in allowed:
            return value.strip()
        self.problem(key, f"must be one of {', '.join(allowed)}")
        return default

    def flag(self, key: str, default: bool) -> bool:
        """true or false, also as text."""
        value = self._config.get(key)
        if value is None or value == "":
            return default
        if isinstance(value, str) and value.strip().lower() in {"true", "false"}:
            return value.strip().lower() == "true"
        if not isinstance(value, bool):
            self.problem(key, f"must be true or false, not {kind(value)}")
            return default
        return value

    def whole(self, key: str, default: int, minimum: int, maximum: int) -> int:
        """A whole number within bounds; 8.0 and "8" count as 8 (forms and Singer configs write them so)."""
        number = self._number(key)
        if number is None:
            return default
        if number != number or not minimum <= number <= maximum or number != int(number):
            self.problem(key, f"must be a whole number between {minimum} and {maximum}")
            return default
        return int(number)

    def optional_whole(self, key: str, minimum: int, maximum: int) -> int | None:
        """As `whole`, or `None` if absent."""
        return self.whole(key, minimum, minimum, maximum) if self._config.get(key) not in (None, "") else None

    def share(self, key: str, default: int, minimum: int, maximum: int) -> float:
        """A percentage within bounds, as a fraction of 1."""
        number = self._number(key)
        if number is None:
            return default / 100
        if not minimum <= number <= maximum:
            self.problem(key, f"must be a number between {minimum} and {maximum} (per cent)")
            return default / 100
        return number / 100

    def strings(self, key: str) -> tuple[str, ...]:
        """A list of strings, each once; one string may hold several, separated by commas."""
        value = self._config.get(key)
        values = [value] if isinstance(value, str) else [] if value is None else value
        if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
            self.problem(key, "must be a list of strings")
            return ()
        return tuple(dict.fromkeys(part.strip() for each in values for part in each.split(",") if part.strip()))

    def instant(self, key: str) -> datetime | None:
        """An ISO 8601 date or date-time as an aware UTC instant."""
        value = self._config.get(key)
        if value is None or value == "":
            return None
        text = value.strip() if isinstance(value, str) else ""
        if not re.fullmatch(START_DATE_PATTERN.removesuffix("$"), text):
            self.problem(key, "must be a date such as 2024-01-31 or a date-time such as 2024-01-31T00:00:00Z")
            return None
        try:
            return dates.read(text)
        except ValueError:
            self.problem(key, "is a date or time that does not exist")
            return None

    def url(self, key: str, default: str, *, base: bool) -> str:
        """A URL that may receive the credentials (see `hosts`); one that is not the default adds a warning."""
        value = self._config.get(key)
        if value is None or value == "":
            return default
        if not isinstance(value, str):
            self.problem(key, f"must be a string, not {kind(value)}")
            return default
        try:
            url = checked_url(value.strip(), base=base)
        except RefusedURL as refused:
            self.problem(key, str(refused))
            return default
        if url != default:
            self.warnings.append(
                f"{self._prefix}{key} is not the vendor's: credentials and requests go to {origin_of(url)}."
            )
        return url

    def _number(self, key: str) -> float | None:
        """A number, also as text; NaN (which fails every bound) for anything else; `None` if absent."""
        value = self._config.get(key)
        if value is None or value == "":
            return None
        if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,15}(\.[0-9]{1,9})?\s*", value):
            return float(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
            return float(value)
        return float("nan")


def common_options(reader: ConfigReader, defaults: CommonDefaults, *, now: datetime | None = None) -> CommonOptions:
    """Read the shared options; problems and warnings stay in the reader."""
    start_date = reader.instant("start_date")
    if start_date is not None and start_date > (now or datetime.now(UTC)):
        reader.warnings.append("start_date lies in the future: streams with a date filter bring nothing yet.")
    end_date = reader.instant("end_date")
    if start_date is not None and end_date is not None and end_date <= start_date:
        reader.problem("end_date", "must be later than start_date (it is exclusive)")
    api_url = reader.url("api_url", defaults.api_url, base=True)
    return CommonOptions(
        start_date=start_date,
        user_agent=reader.text("user_agent", defaults.user_agent),
        num_workers=reader.whole("num_workers", defaults.num_workers, 1, 32),
        lookback_window_seconds=reader.whole(
            "lookback_window_seconds", defaults.lookback_window_seconds, 0, MAX_WINDOW_SECONDS
        ),
        rate_limit_share=reader.share("rate_limit_share", 95, 10, 100),
        max_requests_per_minute=reader.optional_whole("max_requests_per_minute", 1, 1_000_000),
        api_url=api_url,
        token_url=_token_url(reader, defaults, api_url),
        trust_foreign_state=reader.flag("trust_foreign_state", False),
        end_date=end_date,
        record_ids_of=reader.strings("record_ids_of"),
    )


def _token_url(reader: ConfigReader, defaults: CommonDefaults, api_url: str) -> str | None:
    """The user's token URL, else the vendor's path on the origin that the user gave for the API."""
    if defaults.token_url is None:
        return None
    derived = defaults.token_url
    if origin_of(api_url) != origin_of(defaults.api_url):
        derived = origin_of(api_url) + urlsplit(defaults.token_url).path
    return reader.url("token_url", derived, base=False)
