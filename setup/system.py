"""Packages of the operating system: what WeasyPrint loads, and for tests a browser with a Chinese font."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from setup import browser
from setup.step import SetupFailed, call, may_become_root, say

LIBRARIES = {  # what is loaded at run time, and the package of Debian and Ubuntu that holds it
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
}
TEST_LIBRARIES = {
    "libatomic.so.1": "libatomic1",  # of the node that Playwright brings
    "/usr/lib/softhsm/libsofthsm2.so": "softhsm2",  # a PKCS#11 token without hardware
}
CHINESE_FONT = "fonts-wqy-microhei"
RARE_FONT = (
    "HanaMinB.ttf",
    "fonts-hanazono",
)  # CJK Extension B whole: names are printed as people write them (GB 18030)
FONTS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts")


def install(*, with_browser: bool) -> None:
    """Install what is missing through apt, or raise ``SetupFailed`` with the command to type."""
    libraries = LIBRARIES | (TEST_LIBRARIES if with_browser else {})
    missing = [package for library, package in libraries.items() if not _loads(library)]
    if importlib.util.find_spec("ensurepip") is None:
        missing.append(f"python{sys.version_info.major}.{sys.version_info.minor}-venv")
    if with_browser:
        missing += [] if _has_chinese_font() else [CHINESE_FONT]
        missing += ["chromium"] if browser.find() is None and browser.is_packaged() else []
    if missing:
        _apt(missing)
    _install_rare_font()


def _install_rare_font() -> None:
    """Characters outside the fonts of npm are looked for among the system's;
    without the font Anpei runs, and says so.
    """
    file, package = RARE_FONT
    if any(True for folder in FONTS for _ in folder.rglob(file)):
        return
    try:
        _apt([package])
    except SetupFailed:
        say(f"without {package} very rare characters of names (CJK Extension B) may be missing on paper.")


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _has_chinese_font() -> bool:
    """Asked of the folders: ``fc-list`` itself comes with a package that may be missing."""
    signs = ("cjk", "wqy", "sourcehan", "simsun", "uming", "ukai")
    return any(sign in path.name.lower() for folder in FONTS for path in folder.rglob("*.*") for sign in signs)


def _apt(packages: list[str]) -> None:
    install_command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    prefix = [] if os.geteuid() == 0 else ["sudo"]
    if shutil.which("apt-get") is None:
        raise SetupFailed(f"Please install what your system calls: {' '.join(packages)}")
    if not may_become_root():
        raise SetupFailed(
            f"Some system packages are missing. Please type\n\n    sudo {' '.join(install_command)}\n\nand try again."
        )
    say(f"system packages: {' '.join(packages)} …")
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive"]
    subprocess.run([*prefix, *quiet, "apt-get", "update", "-qq"], check=False)  # stale lists are apt's to complain of
    call(*prefix, *quiet, *install_command, problem=f"apt-get could not install {' '.join(packages)}; see above.")
