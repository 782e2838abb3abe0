"""Runs the demo and keeps what it printed as a picture of a terminal: docs/demo.svg, the one in the README.

The text is the demo's own, from this run; only the colours are added, by the form of a line. Seconds, times and the
port differ from run to run, the records do not.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from harness.runner import PROJECT_ROOT

PICTURE = PROJECT_ROOT / "docs" / "demo.svg"
WIDTH = 92
DARK = TerminalTheme(
    (13, 17, 23), (230, 237, 243), [(125, 133, 144), (255, 123, 114), (63, 185, 80), (210, 153, 34), (88, 166, 255),
    (188, 140, 255), (57, 197, 207), (177, 186, 196)],
)  # fmt: skip
STYLES = (
    (re.compile(r"\$ "), "bold green"),
    (re.compile(r"(full|incremental) read"), "bold blue"),
    (re.compile(r"the account holds exactly"), "bold green"),
    (re.compile(r"stream +records|-+$|-+ +-"), "bright_black"),
    (re.compile(r"and \d+ more"), "bright_black"),
)
FONT_FROM_ELSEWHERE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def picture(lines: list[str]) -> str:
    """A terminal with these lines, as SVG that needs nothing from elsewhere."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for line in lines:
        style = next((style for form, style in STYLES if form.match(line)), "")
        console.print(Text(line, style), no_wrap=True, overflow="ellipsis")
    return FONT_FROM_ELSEWHERE.sub("", console.export_svg(title="make demo", theme=DARK, unique_id="demo"))


def main() -> int:
    command = [sys.executable, "-m", "demo", "--venv"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, cwd=Path(__file__).parents[1])
    if done.returncode != 0:
        return done.returncode
    print(done.stdout)
    PICTURE.write_text(picture(["$ make demo", *done.stdout.rstrip().splitlines()]) + "\n")
    print(f"kept as {PICTURE.relative_to(PROJECT_ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
