"""The virtual environment, its hash-locked packages, and the ``anpei`` command."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

from setup.step import CHECKOUT, call, once

VENV = CHECKOUT / ".venv"
PYTHON = VENV / "bin" / "python"
ANPEI = """#!/bin/sh
exec "$(dirname "$(readlink -f "$0")")/python" -m service.cli "$@"
"""


def install(requirements: str) -> None:
    """Install a locked requirements file into ``.venv``, making the environment first when it is missing or broken."""
    if not _works():
        venv.create(VENV, with_pip=True, clear=True)
    locked = CHECKOUT / requirements
    identity = (str(VENV), sys.version)  # scripts in an environment hold its path: a moved checkout installs anew
    once(f"Python packages of {requirements}", VENV, (*identity, locked), lambda: _pip(locked))
    once("command anpei", VENV, (*identity, ANPEI), _link_project)


def _works() -> bool:
    if not PYTHON.exists():
        return False
    same = "import sys; raise SystemExit(sys.version != sys.argv[1])"
    return subprocess.run([PYTHON, "-c", same, sys.version], capture_output=True, check=False).returncode == 0


def _pip(locked: Path) -> None:
    call(
        PYTHON,
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
        "--require-hashes",
        "-r",
        locked,
        problem="pip could not install the Python packages; the network is needed the first time.",
    )


def _link_project() -> None:
    """What an editable install does, without a build that would want the network."""
    found = subprocess.run(
        [PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    )
    (Path(found.stdout.strip()) / "anpei.pth").write_text(f"{CHECKOUT}\n")
    command = VENV / "bin" / "anpei"
    command.write_text(ANPEI)
    command.chmod(0o755)
