"""Makes the tables of acceptance-tests importable: unit tests and end-to-end tests share them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3] / "acceptance-tests"))
