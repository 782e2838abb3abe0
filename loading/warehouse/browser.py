"""Opens a page in headless Chromium without network: its DOM as the browser has it, and pictures of it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
TIMEOUT_SECONDS = 90
# Time that the page's scripts get, counted by the page's own clock: nothing is waited for in vain.
PAGE_MILLISECONDS = 15_000
OPTIONS = (
    "--headless",
    "--no-sandbox",  # root in a container has no sandbox; the page is our own
    "--disable-gpu",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=127.0.0.1:9",
    "--enable-logging=stderr",
    f"--virtual-time-budget={PAGE_MILLISECONDS}",
)


class BrowserError(RuntimeError):
    """There is no browser, or it did not do its work."""


def find_browser() -> str:
    """The path of a Chromium."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise BrowserError("no Chromium on PATH: install one (Debian: apt-get install chromium)")
    return found


def dom_of(page: Path, profile: Path, width: int = 1100) -> tuple[str, list[str]]:
    """The page's DOM in a window of that width, after scripts have run, and what is on the console."""
    done = _run(page, profile, "--dump-dom", f"--window-size={width},900")
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def picture(page: Path, profile: Path, target: Path, size: tuple[int, int], *, dark: bool = False) -> None:
    """A PNG of the page's upper left `size`, in CSS pixels."""
    mode = ["--blink-settings=preferredColorScheme=0"] if dark else ["--blink-settings=preferredColorScheme=1"]
    _run(page, profile, f"--screenshot={target}", f"--window-size={size[0]},{size[1]}", *mode)
    if not target.is_file():
        raise BrowserError(f"no picture of {page}")


def _run(page: Path, profile: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command: Sequence[str] = [find_browser(), *OPTIONS, f"--user-data-dir={profile}", *arguments, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS)
    if done.returncode != 0:
        raise BrowserError(f"the browser ended with {done.returncode}: {done.stderr[-500:]}")
    return done
