"""The facts from which the training need of persons is decided, read for many persons at once (R22–R29)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from service.domain.certificates import certificates
from service.domain.certificates.certificates import CertificateState
from service.domain.training import training_need
from service.domain.training.enrollment_state import EnrollmentState
from service.domain.training.training_kind import TrainingKind
from service.domain.training.training_need import EnrollmentFact, Facts
from service.models.db.prepared_statements import execute_prepared
from service.models.tables.training.training_need_statements import HELD, REFRESHERS, RENEWALS


@dataclass(frozen=True, slots=True)
class TrainingNeedInputs:
    """Facts of one person, and the edition of the certificate that they concern."""

    facts: Facts
    certificate_id: UUID | None


def facts_of(person_ids: Collection[UUID], today: date) -> dict[UUID, TrainingNeedInputs]:
    """The facts of each person on a day; three queries however many persons are asked for."""
    held = _certificates(person_ids)
    renewals = _renewals(person_ids)
    years = _refresher_years(person_ids)
    known = {}
    for person_id in person_ids:
        pairs = held.get(person_id, [])
        rules = [to_domain for to_domain, _ in pairs]
        current = certificates.current(rules)
        facts = training_need.facts(today, rules, renewals.get(person_id, ()), years.get(person_id, ()))
        known[person_id] = TrainingNeedInputs(
            facts, next((row_id for to_domain, row_id in pairs if to_domain is current), None)
        )
    return known


def to_domain(row: Any) -> certificates.Certificate:
    """An edition (a ``Certificate``, or a row of its columns) as the rules see it."""
    return certificates.Certificate(row.issued_on, row.valid_to, CertificateState(row.state), row.number, row.edition)


def _certificates(person_ids: Collection[UUID]) -> dict[UUID, list[tuple[certificates.Certificate, UUID]]]:
    found = defaultdict(list)
    for row in execute_prepared(HELD, {"persons": list(person_ids)}):
        found[row.person_id].append((to_domain(row), row.id))
    return found


def _renewals(person_ids: Collection[UUID]) -> dict[UUID, list[EnrollmentFact]]:
    found = defaultdict(list)
    for row in execute_prepared(RENEWALS, {"persons": list(person_ids)}):
        found[row.person_id].append(EnrollmentFact(TrainingKind.RENEWAL, row.enrolled_on, EnrollmentState(row.state)))
    return found


def _refresher_years(person_ids: Collection[UUID]) -> dict[UUID, list[int]]:
    found = defaultdict(list)
    for row in execute_prepared(REFRESHERS, {"persons": list(person_ids)}):
        found[row.person_id].append(row.year)
    return found
