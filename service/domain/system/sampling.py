"""A random sample of cases that anybody can draw again: the seed orders the population, its beginning is the sample."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from uuid import UUID

from service.domain.values.labelled_enum import Labelled
from service.errors import N_

ORDER = "ascending SHA-256 of seed, colon, case"
MOST_SAMPLED = 500  # cases of one sample: an auditor looks at each
MAX_SEED_LENGTH, MAX_TITLE_LENGTH, MAX_NOTE_LENGTH = 64, 100, 2000  # characters


class SampleState(Labelled):
    """State of a sample; a signed one does not change any more."""

    OPEN = "open", N_("进行中")
    SIGNED = "signed", N_("已签署")


class Finding(Labelled):
    """Result of an auditor's look at a case of a sample."""

    PENDING = "pending", N_("未查")
    CLEAR = "clear", N_("没有问题")
    DOUBT = "doubt", N_("待核实")
    FAULT = "fault", N_("有问题")


def draw(population: Iterable[UUID], seed: str, size: int) -> list[UUID]:
    """Draw so many cases, in the order of the draw."""
    return sorted(population, key=lambda case: _place(seed, case))[:size]


def _place(seed: str, case: UUID) -> bytes:
    return hashlib.sha256(f"{seed}:{case}".encode()).digest()


def population_digest(population: Iterable[UUID]) -> str:
    """The digest of a population: of its cases in ascending order, a line each."""
    return hashlib.sha256("\n".join(sorted(map(str, population))).encode()).hexdigest()


def progress(findings: Sequence[str]) -> tuple[int, int, int]:
    """Count the cases that are looked at, all of them, and those in which something was found."""
    done = [finding for finding in findings if finding != Finding.PENDING]
    return len(done), len(findings), sum(finding in (Finding.DOUBT, Finding.FAULT) for finding in done)
