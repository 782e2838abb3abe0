"""Property tests are the same in every run and leave no files behind."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("repeatable", database=None, deadline=None, derandomize=True, print_blob=False)
settings.load_profile("repeatable")
