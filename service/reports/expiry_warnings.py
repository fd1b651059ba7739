"""预警信息 (S85, R66): certificates past their last day or near it, in bands of 30, 60 and 90 days."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import aliased

from service.domain.certificates.certificates import WarningBand, days_left, warning_bands, warns_until
from service.errors import N_
from service.models.db.clock import today
from service.models.db.pagination import SortOrder
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.persons.person import Person, QualificationType
from service.models.tables.training.training import LIVE_ENROLLMENT, Enrollment
from service.models.tables.units.organisation import Organisation
from service.reports.attempts import flag
from service.reports.framework import columns
from service.reports.framework.chart import Bar, Chart
from service.reports.framework.filters import PROVINCE, TYPE, UNIT, choice
from service.reports.framework.report import OFFICIAL, UNITS, CellType, Column, Report, Row
from service.reports.framework.table import PagedTable

Province, Live = aliased(Organisation), aliased(Enrollment)
SUMS = {
    WarningBand.EXPIRED: "expired",
    WarningBand.DAYS_30: "in_30",
    WarningBand.DAYS_60: "in_60",
    WarningBand.DAYS_90: "in_90",
}
COLUMNS = (
    Column("band", N_("档"), CellType.LABEL),
    columns.PERSON,
    columns.UNIT,
    columns.PROVINCE,
    columns.TYPE,
    columns.NUMBER,
    columns.VALID_TO,
    Column("days", N_("剩余天数"), CellType.NUMBER),
    Column("enrolled", N_("换证报名"), CellType.LABEL),
)
ENROLLED, NOT_ENROLLED = N_("已报名"), N_("未报名")


def bands() -> dict[WarningBand, Any]:
    """The condition of each band today."""
    return {band: Certificate.valid_to.between(*days) for band, days in warning_bands(today()).items()}


def read(user: User, chosen: ReportFilter) -> PagedTable:
    """The certificates that warn, the earliest last day first; persons who are deregistered warn no more (R17)."""
    query = (
        select(
            Certificate.id.label("certificate_id"),
            Certificate.number,
            Certificate.valid_to,
            Person.id.label("person_id"),
            Person.name,
            Person.sex,
            Person.id_number_masked,
            Organisation.name.label("unit_name"),
            Province.name.label("province"),
            QualificationType.name.label("type_name"),
            Live.id.label("live_id"),
            flag(Live.id.is_not(None)).label("live"),
            *(flag(condition).label(SUMS[band]) for band, condition in bands().items()),
        )
        .join(Person, Person.id == Certificate.person_id)
        .join(Organisation, Organisation.id == Person.unit_id)
        .join(QualificationType, QualificationType.id == Certificate.qualification_type_id)
        .outerjoin(Province, Province.id == Organisation.authority_id)
        .outerjoin(Live, and_(Live.person_id == Person.id, Live.kind == "renewal", Live.state.in_(LIVE_ENROLLMENT)))
        .where(*_conditions(user, chosen))
    )
    return PagedTable(
        COLUMNS, query, SortOrder((Certificate.valid_to, Certificate.id)), _cells, (*SUMS.values(), "live")
    )


def _conditions(user: User, chosen: ReportFilter) -> list[Any]:
    found = [
        visible_to(user, Certificate),
        Certificate.state == "valid",
        Person.state != "deregistered",
        bands()[WarningBand(chosen.band)] if chosen.band else Certificate.valid_to <= warns_until(today()),
    ]
    if chosen.province:
        found.append(Organisation.authority_id == chosen.province)
    if chosen.unit:
        found.append(Person.unit_id == chosen.unit)
    if chosen.type:
        found.append(Certificate.qualification_type_id == chosen.type)
    return found


def _cells(row: Any) -> Row:
    band = next(band for band, key in SUMS.items() if getattr(row, key))
    return {
        **columns.person(row),
        **columns.plain(row, "certificate_id", "number", "valid_to", "unit_name", "province", "type_name"),
        "band": band.label,
        "band_code": str(band),
        "days": days_left(row.valid_to, today()),
        "enrolled": ENROLLED if row.live else NOT_ENROLLED,
    }


def chart(_user: User, _chosen: ReportFilter, table: PagedTable) -> Chart:
    """Count the certificates of each band."""
    sums = table.totals()
    bars = tuple(Bar(band.label, (sums[key],), f"{sums[key]:,}") for band, key in SUMS.items())
    return Chart(N_("各档人数"), bars)


REPORT = Report(
    name="warnings",
    title=N_("证书预警"),
    roles=OFFICIAL | UNITS,
    read=read,
    chart=chart,
    filters=(choice("band", tuple(WarningBand), N_("全部档次")), PROVINCE, UNIT, TYPE),
    sign="alert",
    summary=(*((band.label, key) for band, key in SUMS.items()), (N_("其中已报名换证"), "live")),
    position=75,
    menu_section="reports",
    menu_label=N_("预警信息"),
)
