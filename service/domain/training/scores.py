"""Scores and marks in tenths of a point, so that no float is ever needed; None stands for 缺考 (absent)."""

from __future__ import annotations

import re
from collections.abc import Collection

from service.errors import N_, InvalidInput, Message
from service.validation.typed_text import as_whole
from service.validation.written import plain_number

Tenths = int
ABSENT = N_("缺考")
MAX_SCORE: Tenths = 1000
DEFAULT_PASS_MARK: Tenths = 600  # D5
MAX_ATTEMPTS = 2  # the examination and one make-up (R52)


def parse_score(text: str | int | None, field: str = "score") -> Tenths | None:
    """Read a score from 0 to 100 with at most one decimal, or 缺考 (R49); raises ``InvalidInput``."""
    typed = _normalise(text)
    return (
        None
        if typed == ABSENT
        else _parse_points(typed, field, N_("请填写 0 至 100 的成绩，最多一位小数；未参加考试请填“缺考”。"))
    )


def parse_pass_mark(text: str | int | None, field: str = "pass_mark") -> Tenths:
    """Read a pass mark from 0 to 100 with at most one decimal; raises ``InvalidInput``."""
    return _parse_points(_normalise(text), field, N_("请填写 0 至 100 的及格线，最多一位小数。"))


def write_score(score: Tenths | None) -> str:
    """The score as people write it: ``85``, ``54.5``, ``缺考``; what ``parse_score`` reads."""
    if score is None:
        return ABSENT
    points, tenth = divmod(score, 10)
    return f"{points}.{tenth}" if tenth else str(points)


def is_pass(score: Tenths | None, pass_mark: Tenths) -> bool:
    """Tell whether a score reaches the mark: equality passes (R50), absence fails (R49)."""
    return score is not None and score >= pass_mark


def has_makeup(attempt: int, is_allowed: bool) -> bool:
    """Tell whether a failed attempt may be made up for; the score of the make-up is final (R52). attempt: from 1."""
    return is_allowed and attempt < MAX_ATTEMPTS


def obstacle_to_correction(
    corrected_by: object, assented_by: Collection[object], certificate_approved: bool
) -> Message | None:
    """Return why a confirmed score cannot be corrected: a second person assents, before the approval (R51).

    assented_by: who assents, and for whom (R84); nobody while it is only proposed.
    """
    if certificate_approved:
        return Message(N_("证书已由工信部审批，成绩不能再更正；确有错误请联系工信部吊销证书。"))
    if corrected_by in assented_by:
        return Message(N_("更正成绩须由另一人复核，请交给同单位的其他经办人。"))
    return None


def _normalise(text: str | int | None) -> str:
    return "" if text is None else plain_number(str(text))


def _parse_points(typed: str, field: str, message: str) -> Tenths:
    found = re.fullmatch(r"(\d{1,3})(?:\.(\d))?", typed, re.ASCII)
    tenths = as_whole(f"{found[1]}{found[2] or 0}", 0, MAX_SCORE) if found else None
    if tenths is None:
        raise InvalidInput({field: message})
    return tenths
