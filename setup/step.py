"""A step of set-up: done once for a given state of what goes into it, and again when that changes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent


class SetupFailed(Exception):
    """Set-up cannot go on; the text says what the person at the machine has to do."""


def once(name: str, product: Path, inputs: Iterable[str | Path], work: Callable[[], None]) -> None:
    """Do ``work`` unless ``product`` was already made from the same ``inputs`` (texts, or files for their contents).

    The stamp lies inside the product, so that whoever removes the product removes the stamp.
    """
    stamp = product / f".stamp-{name.replace(' ', '-')}"
    state = _digest(inputs)
    if stamp.is_file() and stamp.read_text() == state:
        return
    say(f"{name} …")
    begun = time.monotonic()
    work()
    stamp.write_text(state)
    say(f"{name}: done in {time.monotonic() - begun:.0f} s")


def call(*command: str | Path, quiet: bool = True, problem: str = "") -> None:
    """Run a command in the checkout; when it fails, show what it said and raise ``SetupFailed``."""
    output = subprocess.PIPE if quiet else None
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=CHECKOUT, stdout=output, stderr=subprocess.STDOUT if quiet else None, text=True, check=False
    )
    if done.returncode:
        raise SetupFailed(f"{done.stdout or ''}\n{problem or 'This command failed: ' + ' '.join(words)}")


def may_become_root() -> bool:
    """Whether system packages can be installed without asking anybody."""
    if os.geteuid() == 0:
        return True
    try:
        return subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def say(text: str) -> None:
    print(f"setup: {text}", file=sys.stderr, flush=True)


def _digest(inputs: Iterable[str | Path]) -> str:
    digest = hashlib.sha256()
    for item in inputs:
        digest.update((item.read_bytes() if isinstance(item, Path) else item.encode()) + b"\0")
    return digest.hexdigest()
