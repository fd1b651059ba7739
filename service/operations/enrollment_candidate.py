"""The facts that the rules of enrolling are asked with: the person, the class, and whoever enrols."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from service.domain.accounts.roles import Role
from service.domain.persons.persons import PersonState
from service.domain.training import enrollments
from service.domain.training.classes import ClassState, is_open_to
from service.domain.training.enrollment_state import LIVE_STATES
from service.domain.training.enrollments import Candidate, ClassOffer
from service.domain.training.training_kind import TrainingKind
from service.domain.training.training_need import Need
from service.errors import NotFound
from service.models.db.prepared_statements import execute_prepared
from service.models.queries.scope_adapters import actor_of, subject_of
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person
from service.models.tables.training.training import Enrollment, TrainingClass
from service.models.tables.units.organisation import authority_id
from service.operations.context import Context

_LIVE_CLASSES = select(Enrollment.class_id).where(
    Enrollment.person_id == bindparam("person"),
    Enrollment.state.in_(tuple(LIVE_STATES)),
    Enrollment.id != bindparam("but"),
)


def check_actor(training_class: TrainingClass, person: Person, context: Context) -> None:
    """Raise NotFound unless the actor may enrol this person (R41, R44); the system may enrol anybody."""
    user = User.get(context.actor_id) if context.actor_id else None
    if user is None:
        return
    is_draft = training_class.state == ClassState.DRAFT and training_class.organiser_id != user.organisation_id
    if is_draft or not enrollments.may_enroll(actor_of(user), subject_of(person.unit), training_class.institution_id):
        raise NotFound  # out of scope, or the draft of another organisation: that it exists is not told (R70)


def build_candidate(
    person: Person, training_class: TrainingClass, need: Need, facts: dict[str, Any], but: UUID | None = None
) -> Candidate:
    """Build the person's facts for the rules; the enrolment ``but`` does not count as another one."""
    known = {"person": person.id, "but": but or UUID(int=0)}
    classes = set(execute_prepared(_LIVE_CLASSES, known).scalars())
    return Candidate(
        state=PersonState(person.state),
        qualification_type=person.qualification_type.code,
        need=need,
        facts=facts,
        is_in_class=training_class.id in classes,
        is_enrolled_elsewhere=bool(classes - {training_class.id}),
    )


def build_offer(training_class: TrainingClass, province: UUID | None) -> ClassOffer:
    """Build the facts of the class for the rules, as it is offered to persons of a province; academies have none, and
    join national or open classes (R34, R44).
    """
    by_association = training_class.organiser_id == authority_id("association")
    role = Role.ASSOCIATION if by_association else Role.PROVINCIAL_AUTHORITY
    open_to_others = training_class.open_to_other_provinces
    return ClassOffer(
        kind=TrainingKind(training_class.kind),
        state=ClassState(training_class.state),
        is_closed=training_class.enrolment_closed,
        enrol_from=training_class.enrol_from,
        enrol_until=training_class.enrol_until,
        qualification_types=frozenset(training_class.qualification_types),
        is_open=is_open_to(province or UUID(int=0), training_class.organiser_id, role, open_to_others),
    )
