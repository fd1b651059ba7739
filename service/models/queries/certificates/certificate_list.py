"""The ledger of certificates: filters, one page, counts; editions of a number; prints; what the public may ask for."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, case, cast, func, select
from sqlalchemy.orm import aliased, joinedload

from service.domain.certificates.certificates import warns_until
from service.domain.values.names import fold
from service.domain.values.validators import normalise
from service.models.db.clock import today
from service.models.db.pagination import SortOrder
from service.models.db.session import session
from service.models.queries.names import named
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import get_or_404_in_scope, visible_to
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate, PrintRecord
from service.models.tables.persons.person import Person, QualificationType
from service.models.tables.runtime.case import Case
from service.models.tables.training.training import Enrollment, RefresherRecord, TrainingClass
from service.models.tables.units.organisation import Organisation

ORDER = SortOrder((Certificate.id,), is_descending=True)


def certificates_query(user: User, chosen: ReportFilter) -> Any:
    """Select the certificates in scope. state: as stored, or ``expired`` or ``soon``, which are computed (R24, R66)."""
    return _rows().where(visible_to(user, Certificate), *_conditions(chosen))


def counted_query(user: User, chosen: ReportFilter) -> Any:
    """Select the same rows for counting, with their prints: persons and units are joined only where the filter asks."""
    query = select(Certificate.id, Certificate.printed_count).where(visible_to(user, Certificate), *_conditions(chosen))
    if (chosen.q and not normalise(chosen.q).isdigit()) or chosen.province or chosen.unit:
        query = query.join(Person, Person.id == Certificate.person_id)
    return query.join(Organisation, Organisation.id == Person.unit_id) if chosen.province else query


def certificate_counts(user: User) -> dict[str, int]:
    """Count the certificates in scope: ``total`` and by shown state (``expired`` and ``soon`` apart from ``valid``)."""
    shown = case(
        (Certificate.state != "valid", Certificate.state),
        (Certificate.valid_to < today(), "expired"),
        (Certificate.valid_to <= warns_until(today()), "soon"),
        else_="valid",
    )
    query = select(shown, func.count()).where(visible_to(user, Certificate)).group_by(shown)
    counts = {row[0]: row[1] for row in session().execute(query)}
    return {"total": sum(counts.values()), **counts}


def editions(number: str) -> list[Certificate]:
    """Every edition of a number, newest first."""
    query = select(Certificate).options(joinedload(Certificate.qualification_type)).where(Certificate.number == number)
    return list(session().scalars(query.order_by(Certificate.edition.desc())))


def visible_certificate(user: User, certificate_id: UUID) -> Certificate:
    """A certificate in scope with holder, unit and type loaded; raises NotFound."""
    loaded = (joinedload(Certificate.person).joinedload(Person.unit), joinedload(Certificate.qualification_type))
    return get_or_404_in_scope(user, Certificate, certificate_id, *loaded)


def prints_of(certificate_id: UUID) -> list[Any]:
    """The log of prints and hand-outs of one edition, newest first, with the names of who printed."""
    query = (
        select(
            PrintRecord.id,
            PrintRecord.created_at,
            PrintRecord.reason,
            PrintRecord.layout,
            PrintRecord.language,
            PrintRecord.received_by,
            PrintRecord.received_on,
            User.display_name.label("printed_by"),
        )
        .outerjoin(User, User.id == PrintRecord.printed_by)
        .where(PrintRecord.certificate_id == certificate_id)
        .order_by(PrintRecord.created_at.desc())
    )
    return list(session().execute(query))


def refreshers_of(number: str) -> list[Any]:
    """The refresher records of a number, whatever the edition: year, completed_on, hours, score, class title (R54)."""
    query = (
        select(
            RefresherRecord.year,
            RefresherRecord.completed_on,
            RefresherRecord.hours,
            RefresherRecord.score,
            TrainingClass.title.label("class_title"),
        )
        .join(Certificate, Certificate.id == RefresherRecord.certificate_id)
        .join(Enrollment, Enrollment.id == RefresherRecord.enrollment_id)
        .join(TrainingClass, TrainingClass.id == Enrollment.class_id)
        .where(Certificate.number == number)
        .order_by(RefresherRecord.year)
    )
    return list(session().execute(query))


def certificates_of(person_id: UUID) -> list[Certificate]:
    """Every certificate of a person, the newest first."""
    query = (
        select(Certificate)
        .options(joinedload(Certificate.qualification_type))
        .where(Certificate.person_id == person_id)
    )
    return list(session().scalars(query.order_by(Certificate.issued_on.desc(), Certificate.edition.desc())))


def certificate_of_case(case_id: UUID) -> UUID | None:
    """The certificate a case of deregistration is about."""
    query = select(Certificate.id).join(Case, Case.business_key == cast(Certificate.id, Text))
    return session().scalar(query.where(Case.id == case_id))


def by_token(token: str) -> Certificate | None:
    """The edition with this token, with its holder and unit, for the public page."""
    return session().scalars(_public().where(Certificate.verify_token == token)).one_or_none()


def by_number_and_name(number: str, name: str) -> Certificate | None:
    """The edition of a number that holds, else the newest, if the holder has this name (R56, R67), however it is
    written (R81).
    """
    query = _public().where(Certificate.number == number, Person.folded_name == fold(name))
    query = query.order_by((Certificate.state == "valid").desc(), Certificate.edition.desc())
    return session().scalars(query.limit(1)).one_or_none()


def successor_of(certificate_id: UUID) -> Certificate | None:
    """The edition that took the place of this one."""
    query = select(Certificate).where(Certificate.supersedes_id == certificate_id).order_by(Certificate.edition.desc())
    return session().scalars(query.limit(1)).one_or_none()


def _public() -> Any:
    return (
        select(Certificate)
        .join(Certificate.person)
        .options(
            joinedload(Certificate.qualification_type),
            joinedload(Certificate.person).joinedload(Person.unit),
        )
    )


def _rows() -> Any:
    province = aliased(Organisation)
    return (
        select(
            Certificate.id,
            Certificate.number,
            Certificate.edition,
            Certificate.kind,
            Certificate.issued_on,
            Certificate.valid_to,
            Certificate.state,
            Certificate.approval,
            Certificate.printed_count,
            Person.id.label("person_id"),
            Person.name,
            Person.state.label("person_state"),
            Organisation.name.label("unit_name"),
            province.name.label("province"),
            QualificationType.name.label("type_name"),
        )
        .join(Person, Person.id == Certificate.person_id)
        .join(Organisation, Organisation.id == Person.unit_id)
        .outerjoin(province, province.id == Organisation.authority_id)
        .join(QualificationType, QualificationType.id == Certificate.qualification_type_id)
    )


def _conditions(chosen: ReportFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if chosen.q:
        number = normalise(chosen.q)
        starts = Certificate.number.startswith(number, autoescape=True)
        found.append(starts if number.isdigit() else named(Person, chosen.q))
    if chosen.state == "expired":
        found += [Certificate.state == "valid", Certificate.valid_to < today()]
    elif chosen.state == "soon":
        found += [Certificate.state == "valid", Certificate.valid_to.between(today(), warns_until(today()))]
    elif chosen.state == "valid":
        found += [Certificate.state == "valid", Certificate.valid_to >= today()]
    elif chosen.state:
        found.append(Certificate.state == chosen.state)
    if chosen.province:
        found.append(Organisation.authority_id == chosen.province)
    if chosen.unit:
        found.append(Person.unit_id == chosen.unit)
    if chosen.print == "no":
        found += [
            Certificate.printed_count == 0,
            Certificate.state.in_(("issued", "valid")),
            Certificate.kind == "issued",
        ]
    return found
