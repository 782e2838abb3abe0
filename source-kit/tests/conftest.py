"""Property tests are the same in every run and leave no files behind; the helpers of this folder can be imported."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

sys.path.append(str(Path(__file__).parents[1]))

settings.register_profile("repeatable", database=None, deadline=None, derandomize=True, print_blob=False)
settings.load_profile("repeatable")
