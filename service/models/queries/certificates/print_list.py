"""Certificates to print, and the register of prints."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import joinedload, undefer_group

from service.models.db.encryption import ENCRYPTED
from service.models.db.session import session
from service.models.queries.lease import Lease
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate, PrintRecord
from service.models.tables.certificates.print_batch import PrintBatch
from service.models.tables.certificates.reissue import Reissue
from service.models.tables.persons.person import Person
from service.models.tables.training.training import Enrollment


def printable(
    user: User, ids: Collection[UUID], class_id: UUID | None = None, *, with_numbers: bool = False
) -> list[Certificate]:
    """The certificates in scope that are named, or that a class brought and still count; by name of the holder.

    with_numbers: load the identity numbers too, which are printed.
    """
    holder = joinedload(Certificate.person).joinedload(Person.unit)
    if with_numbers:
        holder = joinedload(Certificate.person).options(joinedload(Person.unit), undefer_group(ENCRYPTED))
    query = (
        select(Certificate)
        .join(Certificate.person)
        .options(holder, joinedload(Certificate.qualification_type))
        .where(visible_to(user, Certificate), Certificate.kind == "issued")
    )
    if class_id is not None:
        own = select(Enrollment.id).where(Enrollment.class_id == class_id)
        query = query.where(Certificate.enrollment_id.in_(own), Certificate.state.in_(("issued", "valid")))
    else:
        query = query.where(Certificate.id.in_(ids))
    ordered = query.order_by(Person.sort_key, Certificate.id)
    return list(session().scalars(ordered.execution_options(populate_existing=True)))


def certificates_of_cases(case_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The newest certificate that each case made, an enrolment's or a reissue's, by case."""
    made = select(Enrollment.case_id, Certificate.id, Certificate.edition).join(
        Certificate, Certificate.enrollment_id == Enrollment.id
    )
    again = select(Reissue.case_id, Certificate.id, Certificate.edition).join(
        Certificate, Certificate.id == Reissue.new_certificate_id
    )
    both = made.where(Enrollment.case_id.in_(case_ids)).union_all(again.where(Reissue.case_id.in_(case_ids)))
    return {row[0]: row[1] for row in session().execute(both.order_by("edition"))}


def last_print(certificate_id: UUID, user_id: UUID) -> UUID | None:
    """The latest print of a certificate, if this user made it."""
    query = select(PrintRecord.id, PrintRecord.printed_by).where(PrintRecord.certificate_id == certificate_id)
    row = session().execute(query.order_by(PrintRecord.created_at.desc(), PrintRecord.id.desc()).limit(1)).one_or_none()
    return row[0] if row and row[1] == user_id else None


def waiting_prints(user: User) -> int:
    """Count the prints that nobody has received yet."""
    query = (
        select(func.count()).select_from(PrintRecord).join(Certificate, Certificate.id == PrintRecord.certificate_id)
    )
    return session().scalar(query.where(PrintRecord.received_on.is_(None), visible_to(user, Certificate))) or 0


def printed_in(batch_id: UUID) -> set[UUID]:
    """The certificates whose print the batch has logged already."""
    return set(session().scalars(select(PrintRecord.certificate_id).where(PrintRecord.batch_id == batch_id)))


def holders_of_prints(ids: Collection[UUID]) -> dict[UUID, tuple[str, str]]:
    """Number and holder of prints, by id of the print."""
    query = (
        select(PrintRecord.id, Certificate.number, Person.name)
        .join(Certificate, Certificate.id == PrintRecord.certificate_id)
        .join(Person, Person.id == Certificate.person_id)
    )
    return {row[0]: (row[1], row[2]) for row in session().execute(query.where(PrintRecord.id.in_(ids)))}


def record_progress(batch_id: UUID, done: int, lease: Lease) -> str:
    """Write how many faces of a running batch are laid out, and extend the lease of the job that does it;
    returns the batch's state. Raises LeaseLost.
    """
    progress = update(PrintBatch).where(PrintBatch.id == batch_id, PrintBatch.state.in_(("running", "failed")))
    with lease.extended() as connection:
        connection.execute(progress.values(done=done))
        return str(connection.scalar(select(PrintBatch.state).where(PrintBatch.id == batch_id)))


def names_of(ids: Collection[UUID]) -> dict[UUID, tuple[str, str]]:
    """Number and holder of certificates, by id: for the list of what could not be printed."""
    query = select(Certificate.id, Certificate.number, Person.name).join(Person, Person.id == Certificate.person_id)
    return {row[0]: (row[1], row[2]) for row in session().execute(query.where(Certificate.id.in_(ids)))}
