"""Printer calibration (domain.md §4): the shift that a user measures on the calibration sheet, and the sheet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from service.errors import N_, InvalidInput
from service.infrastructure.documents import pdf
from service.validation.typed_text import as_decimal, as_whole

Shift = tuple[int, int]
"""Tenths of a millimetre to the right and down."""
MAX_SHIFT = 200


def parse_shift(raw: Mapping[str, Any]) -> Shift:
    """Fields ``x`` and ``y`` in millimetres, at most one decimal and 20 mm; raises InvalidInput at the field."""
    read = {name: _tenths(str(raw.get(name) or "0").strip().replace("−", "-")) for name in ("x", "y")}
    wrong = [name for name, value in read.items() if value is None]
    if wrong:
        raise InvalidInput(dict.fromkeys(wrong, N_("请填写 -20 至 20 的毫米数，最多一位小数。")))
    return read["x"] or 0, read["y"] or 0


def load_shift(stored: str) -> Shift:
    """Load a shift that ``dump_shift`` wrote; no shift for any other text."""
    x, _, y = stored.partition(",")
    across, down = as_whole(x, -MAX_SHIFT, MAX_SHIFT), as_whole(y, -MAX_SHIFT, MAX_SHIFT)
    return (0, 0) if across is None or down is None else (across, down)


def dump_shift(shift: Shift) -> str:
    """As it is remembered: ``12,-5``."""
    return f"{shift[0]},{shift[1]}"


def shift_to_css(shift: Shift) -> str:
    """As a style sheet has it; '' for none."""
    return "" if shift == (0, 0) else f"{shift[0] / 10:g}mm, {shift[1] / 10:g}mm"


def sheet(shift: Shift) -> bytes:
    """The sheet to measure, printed with the correction in force."""
    said = f"横向 {shift[0] / 10:g} 毫米，纵向 {shift[1] / 10:g} 毫米"
    html = pdf.render("certificates/calibration.html", {"shift": shift_to_css(shift), "said": said})
    return pdf.print_pdf(html, style="certificates/certificate.css")


def _tenths(text: str) -> int | None:
    if not re.fullmatch(r"[+-]?(\d{1,2}(\.\d?)?|\.\d)", text, re.ASCII):
        return None
    millimetres = as_decimal(text)
    return round(millimetres * 10) if millimetres is not None and abs(millimetres * 10) <= MAX_SHIFT else None
