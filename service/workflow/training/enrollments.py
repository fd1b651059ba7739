"""Enrolling, withdrawing, and what else people do around a class; and the projection of who needs which training."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

import orjson
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from service import engine
from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.training import enrollments
from service.domain.training.enrollment_state import EnrollmentState
from service.domain.training.training_need import Facts, Need
from service.domain.values.validators import parse_reason
from service.errors import Message, NotAllowed
from service.handlers import registry
from service.models.db.clock import today
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.scope import get_or_404_in_scope
from service.models.queries.scope_adapters import actor_of, subject_of
from service.models.queries.training.training_need_facts import TrainingNeedInputs, facts_of
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person
from service.models.tables.training.training import TrainingClass, TrainingNeed
from service.models.tables.training.training_need_statements import WRITE_NEEDS
from service.workflow.authorization import act_for, must_have_record
from service.workflow.processes import definitions
from service.workflow.row_refusal import refusal_of
from service.workflow.runtime import tasks
from service.workflow.training.enrollment_actions import EnrollmentAction
from service.workflow.training.score_corrections import enrollment_for

logger = logging.getLogger(__name__)

BATCH_PERSONS = 500  # persons decided in one transaction


@dataclass(frozen=True, slots=True)
class EnrollmentResult:
    """Result for one person: the new case, or the reason of the refusal."""

    person_id: UUID
    name: str
    case_id: UUID | None = None
    message: Message | None = None


def enroll(user: User, class_id: UUID, person_ids: Iterable[UUID]) -> list[EnrollmentResult]:
    """Enrol persons into a class, each in a case and transaction of its own: one refusal does not undo the others.

    The reasons of refusal come back with the rows (R31, R38–R41, R44). Raises NotFound for a class out of sight and
    NotAllowed for roles that enrol nobody.
    """
    if not may(Role(user.role), Action.ENROLL):
        raise NotAllowed
    must_have_record(user, Action.ENROLL)
    found = get_or_404_in_scope(user, TrainingClass, class_id)
    host = found.institution_id
    return [_enroll_one(user, class_id, host, person_id) for person_id in dict.fromkeys(person_ids)]


def withdraw(user: User, enrollment_id: UUID, reason: str = "") -> None:
    """Take an enrolment back (R46). Raises Conflict when it is too late, InvalidInput when a reason is missing."""
    with transaction(Operation("withdraw", user.id)):
        found = enrollment_for(user, enrollment_id, EnrollmentAction.WITHDRAW)
        act_for(user, Action.WITHDRAW_ENROLLMENT, found.unit_id)
        state, until = EnrollmentState(found.state), found.training_class.enrol_until
        must = enrollments.needs_reason_to_withdraw(state, until, today())
        why = parse_reason(reason) if must or reason.strip() else ""
        data = {"by": str(user.id), "reason": None}  # a reason of an earlier step is not this one
        tasks.correlate_message(user, found.case_id, "withdraw", data, personal={"reason": why} if why else {})


def refresh_need(person_ids: Collection[UUID] | None = None, limit: int = 100_000) -> int:
    """Decide again which training persons need: those given, or all whose row is stale (R22–R29). Returns their number.

    The worker calls it at every tick; with nothing stale it is one indexed query.
    """
    done = 0
    while done < limit:
        chosen = (
            list(person_ids)[done : done + BATCH_PERSONS]
            if person_ids is not None
            else _stale(min(BATCH_PERSONS, limit - done))
        )
        if not chosen:
            break
        with transaction(Operation("refresh_need")) as current:
            held = select(TrainingNeed.person_id).where(TrainingNeed.person_id.in_(chosen))
            current.execute(
                held.order_by(TrainingNeed.person_id).with_for_update()
            )  # who changes a fact now comes after
            _decide(chosen)
        done += len(chosen)
    if done:
        with transaction(Operation("refresh_need")):
            undecided = select(func.count()).where(TrainingNeed.need == Need.UNDECIDED)
            definitions.remember_undecided("training_need", session().scalar(undecided) or 0)
    return done


def decide(known: TrainingNeedInputs) -> Need:
    """The need that follows from the facts by the decision in force."""
    return decide_all({UUID(int=0): known})[UUID(int=0)]


def decide_all(known: Mapping[UUID, TrainingNeedInputs]) -> dict[UUID, Need]:
    """The need of each person by the decision in force; equal facts are decided once.

    A table that fails decides nothing: no page fails with it.
    """
    definition, _ = definitions.decision("training_need")
    decided: dict[str, Need] = {}
    for facts in known.values():
        key = repr(facts.facts)
        if key not in decided:
            decided[key] = _decided(definition, facts.facts)
    return {person_id: decided[repr(facts.facts)] for person_id, facts in known.items()}


def _decided(definition: engine.Definition, facts: Facts) -> Need:
    try:
        return Need.of(engine.evaluate_decision(definition, "training_need", facts)["need"])
    except (engine.StepError, KeyError) as error:
        logger.warning("training_need does not decide: %s", error)
        return Need.UNDECIDED


def _enroll_one(user: User, class_id: UUID, host: UUID, person_id: UUID) -> EnrollmentResult:
    """One enrolment; a refusal is an answer, not an error."""
    name = ""
    try:
        with transaction(Operation("enroll", user.id)):
            person = get_or_404_in_scope(user, Person, person_id, joinedload(Person.unit))
            name = person.name
            if not enrollments.may_enroll(actor_of(user), subject_of(person.unit), host):
                raise NotAllowed
            act_for(user, Action.ENROLL, person.unit_id)
            data = {"class_id": str(class_id), "person_id": str(person_id)}
            data |= registry.start_variables_of("training_enrollment", user)
            started = tasks.start(user, "training_enrollment", data, business_key=str(person_id))
        return EnrollmentResult(person_id, name, case_id=started.case_id)
    except Exception as error:
        return EnrollmentResult(person_id, name, message=refusal_of(error, "enroll").first)


def _stale(limit: int) -> list[UUID]:
    query = select(TrainingNeed.person_id).where(TrainingNeed.as_of < today()).order_by(TrainingNeed.as_of).limit(limit)
    return list(session().scalars(query.with_for_update(skip_locked=True)))


def _decide(person_ids: Collection[UUID]) -> None:
    _, digest = definitions.decision("training_need")
    known = facts_of(person_ids, today())
    needs = decide_all(known)
    rows = [
        {
            "person_id": person_id,
            "need": needs[person_id],
            "as_of": today(),
            "reference_date": facts.facts["reference_date"],
            "valid_to": facts.facts["valid_to"],
            "certificate_id": facts.certificate_id,
            "decision": digest,
        }
        for person_id, facts in known.items()
    ]
    session().execute(WRITE_NEEDS, {"rows": orjson.dumps(rows).decode()})
