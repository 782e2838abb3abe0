"""Makes the emulator and the tables of acceptance-tests importable, and the helpers of this folder."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3] / "acceptance-tests"))
sys.path.append(str(Path(__file__).parents[1]))
