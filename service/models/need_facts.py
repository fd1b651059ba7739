"""The facts from which the training need of persons is decided, read for many persons at once (R22–R29)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select

from service.domain import certificates, training_need
from service.domain.certificates import CertificateState
from service.domain.enrollment_state import EnrollmentState
from service.domain.training_kind import TrainingKind
from service.domain.training_need import Enrolled, Facts
from service.models.base import session
from service.models.certificate import Certificate
from service.models.training import LIVE_ENROLLMENT, Enrollment, RefresherRecord


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one person: the facts, and the edition they speak of."""

    facts: Facts
    certificate_id: UUID | None


def facts_of(person_ids: Collection[UUID], today: date) -> dict[UUID, Known]:
    """The facts of each person on a day; three queries however many persons are asked for."""
    held = _certificates(person_ids)
    renewals = _renewals(person_ids)
    years = _refresher_years(person_ids)
    known = {}
    for person_id in person_ids:
        pairs = held.get(person_id, [])
        rules = [rule for rule, _ in pairs]
        current = certificates.current(rules)
        facts = training_need.facts(today, rules, renewals.get(person_id, ()), years.get(person_id, ()))
        known[person_id] = Known(facts, next((row_id for rule, row_id in pairs if rule is current), None))
    return known


def rule(row: Certificate) -> certificates.Certificate:
    """An edition as the rules see it."""
    return certificates.Certificate(row.issued_on, row.valid_to, CertificateState(row.state), row.number, row.edition)


def _certificates(person_ids: Collection[UUID]) -> dict[UUID, list[tuple[certificates.Certificate, UUID]]]:
    query = select(Certificate).where(Certificate.person_id.in_(person_ids), Certificate.state.in_(("valid", "issued")))
    found = defaultdict(list)
    for row in session().scalars(query):
        found[row.person_id].append((rule(row), row.id))
    return found


def _renewals(person_ids: Collection[UUID]) -> dict[UUID, list[Enrolled]]:
    query = select(Enrollment.person_id, Enrollment.enrolled_on, Enrollment.state).where(
        Enrollment.person_id.in_(person_ids), Enrollment.kind == "renewal", Enrollment.state.in_(LIVE_ENROLLMENT)
    )
    found = defaultdict(list)
    for person_id, enrolled_on, state in session().execute(query):
        found[person_id].append(Enrolled(TrainingKind.RENEWAL, enrolled_on, EnrollmentState(state)))
    return found


def _refresher_years(person_ids: Collection[UUID]) -> dict[UUID, list[int]]:
    query = select(Certificate.person_id, RefresherRecord.year).join(
        RefresherRecord, RefresherRecord.certificate_id == Certificate.id
    )
    found = defaultdict(list)
    for person_id, year in session().execute(query.where(Certificate.person_id.in_(person_ids))):
        found[person_id].append(year)
    return found
