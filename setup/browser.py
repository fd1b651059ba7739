"""The Chromium that browser tests drive: the system's, or where the system has none to install, Playwright's own."""

from __future__ import annotations

import os
import platform
import shutil

from setup import python
from setup.step import CHECKOUT, call, may_become_root, once, say

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """The system's Chromium or Chrome, or what ``ANPEI_CHROMIUM`` names; None: only Playwright's own may be there."""
    return os.environ.get("ANPEI_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def is_packaged() -> bool:
    """Whether apt can install Chromium: Ubuntu has it only as a snap, which containers cannot run."""
    return platform.freedesktop_os_release().get("ID") != "ubuntu"


def install() -> None:
    """Fetch Playwright's Chromium when the system has none; its libraries too, or say the command that brings them."""
    if find() is None:
        once("Chromium of Playwright", python.VENV, (CHECKOUT / "requirements-dev.txt",), _fetch)


def _fetch() -> None:
    playwright = (python.PYTHON, "-m", "playwright")
    remedy = "Install Chromium or Google Chrome, or set ANPEI_CHROMIUM to the program, and try again."
    call(*playwright, "install", "chromium", problem=remedy)
    if may_become_root():
        call(*playwright, "install-deps", "chromium", problem=remedy)
    else:
        say(f"if Chromium lacks libraries, type: sudo '{python.PYTHON}' -m playwright install-deps chromium")
