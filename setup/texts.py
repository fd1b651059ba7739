"""Translation catalogues: compiled for the service. Extraction and checks are in ``translations.py``."""

from __future__ import annotations

from pathlib import Path

from setup import python
from setup.step import CHECKOUT, call, once

TRANSLATIONS = CHECKOUT / "service" / "translations"


def compile_catalogues() -> None:
    """Compile every ``messages.po`` whose text changed."""
    for catalogue in sorted(TRANSLATIONS.glob("*/LC_MESSAGES/messages.po")):
        once(
            f"translation {catalogue.parts[-3]}", catalogue.parent, (catalogue,), lambda file=catalogue: _compile(file)
        )


def _compile(catalogue: Path) -> None:
    call(python.PYTHON, "-m", "babel.messages.frontend", "compile", "-i", catalogue, "-o", catalogue.with_suffix(".mo"))
