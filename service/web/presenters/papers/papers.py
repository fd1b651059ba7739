"""The words of papers: title, what they are narrowed to, tables, and what stands at the foot of each page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import get_locale, gettext
from flask_login import current_user

from service.domain.training.training_kind import TrainingKind
from service.errors import N_
from service.infrastructure.documents import pdf
from service.infrastructure.translation import translate
from service.models.queries.report_filter import ReportFilter
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Photo
from service.models.tables.training.training import TrainingClass
from service.reports.framework.report import CellType, Column, Report, Row, Table
from service.reports.training_record import Record
from service.web.presenters import formatting, labels, report_cells
from service.web.presenters.papers import paper_tables

MAX_ROWS = 2000  # of one table; more is for a spreadsheet


def of_report(user: User, report: Report, chosen: ReportFilter, about: Sequence[str]) -> dict[str, Any]:
    """A report with what it is narrowed to."""
    section, totals = _table(user, report, chosen)
    summary = [f"{gettext('共')} {formatting.thousands(totals['n'])}"] + [
        f"{translate(word)} {formatting.thousands(value) if isinstance(value := totals[key], int) else value}"
        for word, key in report.summary
    ]
    notes = [*section["notes"], *([translate(report.note)] if report.note else [])]
    lines = [line for line in (" · ".join(about), "　".join(summary)) if line]
    first = {key: value for key, value in section.items() if key != "source"}
    return _paper(translate(report.title), "", lines, [first, *_subtotals(report, section["source"]), _notes(notes)])


def of_class(user: User, found: TrainingClass, paper: Report) -> dict[str, Any]:
    """A paper of a class that is one table."""
    section, totals = _table(user, paper, ReportFilter(class_id=found.id))
    about = " · ".join([*_about(found), _counted(totals)])
    return _paper(translate(paper.title), found.title, [about], [section])


def of_class_file(user: User, found: TrainingClass, file: Report) -> dict[str, Any]:
    """The file of a class: its facts, then each table under a heading of its own."""
    chosen = ReportFilter(class_id=found.id)
    table = file.read(user, chosen)
    facts = [(translate(c.word), report_cells.read(c, row)) for row in next(table.batches()) for c in table.columns]
    sections = [{"heading": translate(N_("班次信息")), "facts": facts, "table": None, "notes": []}]
    for part in file.parts:
        section, totals = _table(user, part, chosen)
        sections.append(section | {"heading": f"{translate(part.title)}　{_counted(totals)}"})
    return _paper(translate(file.title), found.title, [], sections)


def slips(found: TrainingClass, rows: Sequence[Row], address: str) -> dict[str, Any]:
    """The admission slips of a class. address: of its check-in, ``{}`` standing for the case."""
    ids = [row["photo_id"] for row in rows if row["photo_id"]]
    photos = {photo.id: pdf.picture(photo.jpeg) for photo in Photo.all_of(ids)}
    return {
        "title": translate(N_("准考证")),
        "class_title": found.title,
        "code": found.code,
        "place": found.place,
        "days": _days(found),
        "slips": [
            row
            | {
                "seat": n,
                "sex": translate(row["sex"]),
                "type_name": translate(row["type_name"]),
                "photo": photos.get(row["photo_id"]),
                "qr": pdf.qr_code(address.format(row["case_id"])),
            }
            for n, row in enumerate(rows, 1)
        ],
        "words": page_words(),
        "foot": printed_by(),
    }


def record(found: Record) -> dict[str, Any]:
    """A person's record with every change of it."""
    changes = [
        {
            "at": formatting.full_instant(version.at),
            "act": labels.use_case_label(version.use_case, version.kind),
            "who": " · ".join(word for word in (version.actor, translate(version.organisation or "")) if word),
            "what": [
                f"{labels.field_label(c.field)}：{labels.value_label(c.field, c.before)} → "
                f"{labels.value_label(c.field, c.after)}"
                for c in version.changes
            ]
            if version.kind != "insert"
            else [],
        }
        for version in reversed(found.versions)
    ]
    return {"record": found, "changes": changes, "words": page_words(), "foot": printed_by()}


def _table(user: User, report: Report, chosen: ReportFilter) -> tuple[dict[str, Any], Row]:
    table = report.read(user, chosen)
    rows: list[Row] = []
    for batch in table.batches():
        rows += batch
        if len(rows) > MAX_ROWS:
            break
    totals = table.totals()
    laid = paper_tables.of_report(table.columns, rows[:MAX_ROWS], totals, getattr(table, "sums", ()))
    cut = gettext("行数太多，只印前 %(n)s 行；完整内容请导出 Excel。", n=formatting.thousands(MAX_ROWS))
    notes = [cut] if len(rows) > MAX_ROWS else []
    return {"heading": "", "facts": [], "table": laid, "notes": notes, "source": table}, totals


def _subtotals(report: Report, table: Table) -> list[dict[str, Any]]:
    """The sums by something that the rows have in common, each as a table of its own."""
    sums = getattr(table, "sums", ())
    summed = [c for c in table.columns if c.is_figure and c.key in (*sums, "rate")]
    found = []
    for group in report.groups(table):
        columns = (Column("group", group.word, CellType.LABEL), Column("n", N_("条数"), CellType.NUMBER), *summed)
        laid = paper_tables.lay_out(columns, [{**row, "group": name} for name, row in group.rows])
        heading = gettext("按%(what)s小计", what=translate(group.word))
        found.append({"heading": heading, "facts": [], "table": laid, "notes": []})
    return found


def _notes(lines: Sequence[str]) -> dict[str, Any]:
    return {"heading": "", "facts": [], "table": None, "notes": lines}


def _paper(title: str, subject: str, about: Sequence[str], sections: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "title": title,
        "subject": subject,
        "about": about,
        "sections": sections,
        "language": "en" if str(get_locale()) == "en" else "zh-CN",
        "words": page_words(),
        "foot": printed_by(),
    }


def page_words() -> dict[str, str]:
    """The words around page n of m."""
    before, between, after = gettext("第 %(n)s 页，共 %(m)s 页", n="\0", m="\0").split("\0")
    return {"page": before, "of": between, "pages": after}


def printed_by(user: User | None = None) -> str:
    """The line of who printed it when. user: for whom, where nobody is signed in."""
    who = user or current_user
    return gettext(
        "%(organisation)s %(who)s 打印于 %(at)s",
        organisation=translate(who.organisation.name),
        who=who.display_name,
        at=formatting.server_time(),
    )


def _about(found: TrainingClass) -> list[str]:
    kind = translate(TrainingKind(found.kind).label)
    return [found.code, kind, _days(found), found.place, found.institution.name]


def _counted(totals: Row) -> str:
    return gettext("共 %(n)s 人", n=formatting.thousands(totals["n"]))


def _days(found: TrainingClass) -> str:
    return f"{formatting.day(found.starts_on)} {gettext('至')} {formatting.day(found.ends_on)}"
