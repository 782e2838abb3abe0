"""Records that change while somebody reads: after every k-th vendor request some are updated, created or deleted."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

Touch = Callable[[str, int, int, int], object]


@dataclass(slots=True)
class Rule:
    """One stream that drifts. It stops after `times` changes; 0 is never."""

    stream: str
    every: int = 1
    update: int = 0
    create: int = 0
    delete: int = 0
    times: int = 0
    seen: int = 0
    done: int = 0


class Drift:
    """The rules of option `drift`: one object or a list of them."""

    def __init__(self, touch: Touch) -> None:
        self._touch = touch
        self._rules: list[Rule] = []
        self._configured: Any = None

    def configure(self, rules: Any) -> None:
        """Start anew with these rules, unless they are the present ones; `ValueError` if they cannot be read."""
        if rules == self._configured:
            return
        listed = rules if isinstance(rules, list) else [rules] if rules else []
        try:
            self._rules = [Rule(**rule) for rule in listed]
        except TypeError as error:
            raise ValueError(f"Cannot read drift: {error}.") from error
        self._configured = deepcopy(rules)

    def after_request(self) -> None:
        """To be called after each vendor request."""
        for rule in self._rules:
            rule.seen += 1
            if rule.seen % rule.every == 0 and (not rule.times or rule.done < rule.times):
                rule.done += 1
                self._touch(rule.stream, rule.update, rule.create, rule.delete)
