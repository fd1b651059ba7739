"""Expired certificates: each day a case of certificate_deregistration for those
whose holder did not take part (R62, S77).
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, any_, cast, exists, literal, select

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.certificates.certificates import CertificateState
from service.domain.persons.persons import PersonState
from service.domain.training.training_kind import TrainingKind
from service.errors import N_, Conflict, NotAllowed
from service.models.db.clock import today
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.scope import get_or_404_in_scope
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Case, Task
from service.models.tables.training.training import LIVE_ENROLLMENT, Enrollment
from service.workflow.row_refusal import refusal_of
from service.workflow.runtime import tasks

PROCESS = "certificate_deregistration"


def start_deregistrations(limit: int = 50) -> int:
    """Start a case for up to ``limit`` certificates that are due and have none; returns their number.

    Any number of workers may call it at once: the certificate is locked and asked for again.
    """
    query = select(Certificate.id).join(Person, Person.id == Certificate.person_id).where(_is_due()).limit(limit)
    begun = 0
    for certificate_id in session().scalars(query.order_by(Certificate.valid_to, Certificate.id)).all():
        try:
            begun += _start(certificate_id, None) is not None
        except Exception as error:
            refusal_of(error, "start_deregistrations")
    return begun


def recheck_deregistrations() -> int:
    """Send ``recheck`` to open cases whose certificate is no longer due; returns their number."""
    due = select(Certificate.id).join(Person, Person.id == Certificate.person_id).where(_is_expired())
    still = {str(row) for row in session().scalars(due)}
    query = select(Case.id, Case.business_key).where(
        Case.process == PROCESS,
        Case.ended_at.is_(None),
        literal("message:recheck") == any_(Case.awaited),
    )
    changed = [case_id for case_id, key in session().execute(query) if key not in still]
    told = 0
    for case_id in changed:
        try:
            tasks.correlate_message(None, case_id, "recheck")
            told += 1
        except Exception as error:
            refusal_of(error, "recheck_deregistrations")
    return told


def begin_deregistration(user: User, certificate_id: UUID) -> UUID:
    """The open task in which the ministry deregisters this certificate, its case begun if the daily job has not yet.

    Raises NotAllowed for other roles, and Conflict when the certificate is not due (R62).
    """
    if not may(Role(user.role), Action.DEREGISTER_CERTIFICATE):
        raise NotAllowed
    found = get_or_404_in_scope(user, Certificate, certificate_id)
    open_tasks = select(Task.id).where(Task.kind == f"{PROCESS}/deregister_certificate", Task.state == "open")
    mine = open_tasks.join(Case, Case.id == Task.case_id).where(Case.business_key == str(found.id))
    if (known := session().scalar(mine)) is not None:
        return known
    _start(found.id, user)
    task_id = session().scalar(mine)
    if task_id is None:
        raise Conflict(N_("这份证书的注销停在别的环节，请在待办或案卷中查看。"))
    return task_id


def _start(certificate_id: UUID, user: User | None) -> UUID | None:
    """Start a case, unless there is one already or another worker is starting it.

    Raises Conflict when not due (R62).
    """
    with transaction(Operation("start_deregistration", user.id if user else None)) as current:
        lock = select(Certificate.id).where(Certificate.id == certificate_id).with_for_update(skip_locked=True)
        if current.scalar(lock) is None or current.scalar(select(_case_of(str(certificate_id)))):
            return None
        data = {"certificate_id": str(certificate_id)}
        return tasks.start(user, PROCESS, data, business_key=str(certificate_id)).case_id


def _case_of(key: object) -> ColumnElement[bool]:
    return exists().where(Case.business_key == key, Case.process == PROCESS, Case.ended_at.is_(None))


def _is_expired() -> ColumnElement[bool]:
    """Valid, past its last day, the holder not deregistered,
    and no renewal enrolled in time that is live or passed (R25).
    """
    renewal = exists().where(
        Enrollment.person_id == Certificate.person_id,
        Enrollment.kind == TrainingKind.RENEWAL,
        Enrollment.state.in_(LIVE_ENROLLMENT),
        Enrollment.enrolled_on <= Certificate.valid_to,
    )
    return and_(
        Certificate.state == CertificateState.VALID,
        Certificate.valid_to < today(),
        Person.state != PersonState.DEREGISTERED,
        ~renewal,
    )


def _is_due() -> ColumnElement[bool]:
    return and_(_is_expired(), ~_case_of(cast(Certificate.id, Text)))
