"""The light import gives the CDK's own classes, loads the rest on demand, and leaves other processes alone.

Each test looks at a fresh interpreter: an import cannot be undone in this one.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

INSTALL = "from source_kit import light_cdk; light = light_cdk.install(); "
SHOW = """
from airbyte_cdk.sources.abstract_source import AbstractSource
from airbyte_cdk.sources.streams.http import HttpStream
from airbyte_cdk.sources.streams.call_rate import HttpAPIBudget
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
import inspect
for one in (AbstractSource, HttpStream, HttpAPIBudget, AirbyteTracedException):
    print([(each.__module__, each.__qualname__) for each in one.__mro__], inspect.getsourcefile(one), sorted(dir(one)))
"""


def python(code: str) -> str:
    result = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert result.stderr == ""
    return result.stdout.strip()


@pytest.fixture(scope="module")
def plain() -> list[str]:
    """What a plain import gives, and last what `install` says and does behind it: that import takes seconds."""
    return python(SHOW + INSTALL + "import airbyte_cdk; print(light, airbyte_cdk.AbstractSource.__name__)").splitlines()


def test_the_classes_are_those_of_a_plain_import(plain: list[str]) -> None:
    assert len(plain) == 5
    assert python(INSTALL + SHOW).splitlines() == plain[:4]


def test_what_an_http_source_never_uses_is_not_loaded() -> None:
    unwanted = ("airbyte_cdk.sources.declarative", "requests_cache.session", "pandas", "pyrate_limiter.limiter")
    assert python(INSTALL + f"import sys; print(light, [name for name in {unwanted} if name in sys.modules])") == (
        "True []"
    )


def test_names_of_a_package_are_loaded_when_they_are_asked_for() -> None:
    code = """
import airbyte_cdk
print(airbyte_cdk.__version__)
from airbyte_cdk.sources import Source
print(Source.__module__)
from airbyte_cdk import AirbyteEntrypoint
print(AirbyteEntrypoint.__module__)
"""
    assert python(INSTALL + code).split() == ["7.39.1", "airbyte_cdk.sources.source", "airbyte_cdk.entrypoint"]


def test_a_serialiser_works_when_it_is_needed() -> None:
    code = """
from airbyte_cdk.models import AirbyteMessageSerializer, AirbyteLogMessage, AirbyteMessage, Level, Type
print(AirbyteMessageSerializer.dump(AirbyteMessage(type=Type.LOG, log=AirbyteLogMessage(Level.INFO, "x"))))
"""
    assert python(INSTALL + code) == "{'type': 'LOG', 'log': {'level': 'INFO', 'message': 'x'}}"


def test_the_moving_window_budget_works_when_it_is_needed() -> None:
    code = """
from datetime import timedelta
from airbyte_cdk.sources.streams.call_rate import CallRateLimitHit, MovingWindowCallRatePolicy, Rate
import requests
policy = MovingWindowCallRatePolicy(rates=[Rate(1, timedelta(hours=1))], matchers=[])
policy.try_acquire("x", 1)
try:
    policy.try_acquire("x", 1)
except CallRateLimitHit as hit:
    print(type(hit).__name__)
import os; os._exit(sys.stdout.flush() or 0)
"""
    assert python(INSTALL + "import sys" + code) == "CallRateLimitHit"


def test_a_cache_cannot_be_had_silently_without_caching() -> None:
    code = """
from airbyte_cdk.sources.streams.call_rate import APIBudget, CachedLimiterSession
try:
    CachedLimiterSession("x", api_budget=APIBudget([]))
except NotImplementedError as error:
    print(error)
"""
    assert python(INSTALL + code) == ("this class needs a module that the console script leaves out (see light_cdk)")


def test_another_shape_of_the_cdk_falls_back_to_the_real_import() -> None:
    code = """
from source_kit import light_cdk
light_cdk.NEEDED_MODULES = (*light_cdk.NEEDED_MODULES, "airbyte_cdk.gone")
print(light_cdk.install())
import airbyte_cdk, requests_cache
print(airbyte_cdk.AbstractSource.__module__, requests_cache.CachedSession.__module__)
"""
    assert python(code) == "False\nairbyte_cdk.sources.abstract_source requests_cache.session"


def test_a_cdk_that_is_there_already_is_left_alone(plain: list[str]) -> None:
    assert plain[-1] == "False AbstractSource"
