"""The four recipes of CONTRIBUTING.md as edits: what a developer writes for a field, a report, a user task, a rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

CATALOGUE = "service/translations/en/LC_MESSAGES/messages.po"
PERSON_FIELDS, PERSON = "service/domain/persons/person_fields.py", "service/models/tables/persons/person.py"
MIGRATIONS = "service/migrations/versions"
DIAGRAM, FORM = "processes/certificate_deregistration.bpmn", "forms/file_papers.form"
HANDLERS = "service/handlers/certificate_deregistration.py"
REPORT = "service/reports/units_by_business.py"
NEED, NEED_TABLE = "service/domain/training/training_need.py", "processes/training_need.dmn"


@dataclass(frozen=True, slots=True)
class Recipe:
    """A change of the service.

    Args:
        title: its heading in CONTRIBUTING.md.
        max_files: that it may touch, tests aside.
        replaced: file → what stands there once → what stands there then.
        written: new file → its text.
        english: Chinese text → its English in the catalogue.
    """

    title: str
    max_files: int
    replaced: dict[str, dict[str, str]] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    english: dict[str, str] = field(default_factory=dict)

    def apply(self, home: Path) -> None:
        """Make the change in the checkout at ``home``."""
        for name, edits in self.replaced.items():
            text = (home / name).read_text()
            for old, new in edits.items():
                assert text.count(old) == 1, (name, old)
                text = text.replace(old, new)
            (home / name).write_text(text)
        for name, text in self.written.items():
            assert not (home / name).exists(), name
            (home / name).write_text(text)
        if self.english:
            entries = (f'\nmsgid "{chinese}"\nmsgstr "{english}"\n' for chinese, english in self.english.items())
            with (home / CATALOGUE).open("a") as catalogue:
                catalogue.writelines(entries)


def next_migration(versions: Path) -> tuple[str, str]:
    """The number of the newest migration and of the next."""
    newest = max(file.name[:4] for file in versions.glob("[0-9]*.py"))
    return newest, f"{int(newest) + 1:04d}"


def field_of_a_person(versions: Path) -> Recipe:
    """A text that people enter, import, send, compare and print."""
    newest, following = next_migration(versions)
    return Recipe(
        title="A field of a person",
        max_files=4,
        replaced={
            PERSON_FIELDS: {
                '        RecordField(\n            key="photo_id",': """\
        RecordField(
            key="emergency_contact",
            label=N_("紧急联系人"),
            places=_EVERYWHERE,
            section=EMPLOYMENT,
            max_length=60,
            is_personal=True,
        ),
        RecordField(
            key="photo_id",""",
            },
            PERSON: {
                "    title: Mapped[str | None] = mapped_column(PersonalText)\n": """\
    title: Mapped[str | None] = mapped_column(PersonalText)
    emergency_contact: Mapped[str | None] = mapped_column(PersonalText)
""",
            },
        },
        written={
            f"{MIGRATIONS}/{following}_emergency_contact.py": f'''\
"""emergency contact"""

import sqlalchemy as sa
from alembic import op

revision = "{following}"
down_revision = "{newest}"


def upgrade() -> None:
    op.add_column("person", sa.Column("emergency_contact", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("person", "emergency_contact")
''',
        },
        english={"紧急联系人": "Emergency contact"},
    )


A_REPORT = Recipe(
    title="A report",
    max_files=2,
    written={
        REPORT: '''\
"""单位业务范围统计: units of each business."""

from __future__ import annotations

from sqlalchemy import func, select

from service.domain.units.unit_fields import Business
from service.errors import N_
from service.models.db.session import session
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import visible_to
from service.models.tables.units.organisation import Organisation
from service.models.tables.accounts.user import User
from service.reports.framework.report import OFFICIAL, CellType, Column, Report
from service.reports.framework.table import WholeTable

COLUMNS = (Column("business", N_("业务范围"), CellType.LABEL), Column("units", N_("单位数"), CellType.NUMBER))


def read(user: User, _chosen: ReportFilter) -> WholeTable:
    """A row a business."""
    query = select(Organisation.business, func.count().label("units")).where(
        visible_to(user, Organisation), Organisation.business.is_not(None), Organisation.state != "deleted"
    )
    found = {row.business: row.units for row in session().execute(query.group_by(Organisation.business))}
    rows = [{"business": one.label, "units": found.get(one.value, 0)} for one in Business]
    return WholeTable(COLUMNS, rows, sums=("units",))


REPORT = Report(
    name="units-by-business",
    title=N_("单位业务范围统计"),
    roles=OFFICIAL,
    read=read,
    menu_section="reports",
    position=200,
)
''',
    },
    english={"单位业务范围统计": "Units by business", "单位数": "Units (number)"},
)

TO_END = "deregister_to_deregistered"
END_SHAPE = """\
      <bpmndi:BPMNShape id="deregistered_di" bpmnElement="deregistered">
        <dc:Bounds x="772" y="312" width="36" height="36" />
        <bpmndi:BPMNLabel>
          <dc:Bounds x="814" y="320" width="53" height="20" />
"""
END_EDGE = """\
      <bpmndi:BPMNEdge id="deregister_to_deregistered_di" bpmnElement="deregister_to_deregistered">
        <di:waypoint x="722" y="330" />
        <di:waypoint x="772" y="330" />
"""
A_USER_TASK = Recipe(
    title="A user task",
    max_files=4,
    replaced={
        DIAGRAM: {
            "        <bpmn:flowNodeRef>deregistered</bpmn:flowNodeRef>\n": """\
        <bpmn:flowNodeRef>deregistered</bpmn:flowNodeRef>
        <bpmn:flowNodeRef>file_papers</bpmn:flowNodeRef>
        <bpmn:flowNodeRef>record_filing</bpmn:flowNodeRef>
""",
            f"      <bpmn:outgoing>{TO_END}</bpmn:outgoing>\n    </bpmn:serviceTask>\n": """\
      <bpmn:outgoing>deregister_to_file_papers</bpmn:outgoing>
    </bpmn:serviceTask>
    <bpmn:userTask id="file_papers" name="材料归档" camunda:formKey="file_papers" camunda:candidateGroups="ministry" camunda:dueDate="P10D">
      <bpmn:documentation>工信部将注销材料归档，登记档号。</bpmn:documentation>
      <bpmn:incoming>deregister_to_file_papers</bpmn:incoming>
      <bpmn:outgoing>file_papers_to_record_filing</bpmn:outgoing>
    </bpmn:userTask>
    <bpmn:serviceTask id="record_filing" name="登记档号" camunda:type="external" camunda:topic="certificate_deregistration.record_filing">
      <bpmn:documentation>档号记入注销原因。</bpmn:documentation>
      <bpmn:incoming>file_papers_to_record_filing</bpmn:incoming>
      <bpmn:outgoing>record_filing_to_deregistered</bpmn:outgoing>
    </bpmn:serviceTask>
""",
            f"<bpmn:incoming>{TO_END}</bpmn:incoming>": "<bpmn:incoming>record_filing_to_deregistered</bpmn:incoming>",
            f'    <bpmn:sequenceFlow id="{TO_END}" sourceRef="deregister" targetRef="deregistered" />\n': """\
    <bpmn:sequenceFlow id="deregister_to_file_papers" sourceRef="deregister" targetRef="file_papers" />
    <bpmn:sequenceFlow id="file_papers_to_record_filing" sourceRef="file_papers" targetRef="record_filing" />
    <bpmn:sequenceFlow id="record_filing_to_deregistered" sourceRef="record_filing" targetRef="deregistered" />
""",
            END_SHAPE: """\
      <bpmndi:BPMNShape id="file_papers_di" bpmnElement="file_papers">
        <dc:Bounds x="742" y="294" width="104" height="72" />
      </bpmndi:BPMNShape>
      <bpmndi:BPMNShape id="record_filing_di" bpmnElement="record_filing">
        <dc:Bounds x="742" y="392" width="104" height="56" />
      </bpmndi:BPMNShape>
      <bpmndi:BPMNShape id="deregistered_di" bpmnElement="deregistered">
        <dc:Bounds x="660" y="402" width="36" height="36" />
        <bpmndi:BPMNLabel>
          <dc:Bounds x="602" y="410" width="53" height="20" />
""",
            END_EDGE: """\
      <bpmndi:BPMNEdge id="deregister_to_file_papers_di" bpmnElement="deregister_to_file_papers">
        <di:waypoint x="722" y="330" />
        <di:waypoint x="742" y="330" />
      </bpmndi:BPMNEdge>
      <bpmndi:BPMNEdge id="file_papers_to_record_filing_di" bpmnElement="file_papers_to_record_filing">
        <di:waypoint x="794" y="366" />
        <di:waypoint x="794" y="392" />
      </bpmndi:BPMNEdge>
      <bpmndi:BPMNEdge id="record_filing_to_deregistered_di" bpmnElement="record_filing_to_deregistered">
        <di:waypoint x="742" y="420" />
        <di:waypoint x="696" y="420" />
""",
        },
        HANDLERS: {
            '@topic("certificate_deregistration.postpone", needs="until", reads="reason", gives="resume_at", is_undoable=True)\n': '''\
@topic("certificate_deregistration.record_filing", needs="certificate_id file_number")
def record_filing(_context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Note in the reason under which number the papers are filed."""
    certificate = _certificate(data)
    certificate.void_reason = f"{certificate.void_reason}（{data['file_number']}）"
    return {}


@topic("certificate_deregistration.postpone", needs="until", reads="reason", gives="resume_at", is_undoable=True)
''',
        },
    },
    written={
        FORM: """\
{
  "type": "default",
  "schemaVersion": 16,
  "id": "file_papers",
  "title": "材料归档",
  "components": [
    {
      "type": "textfield",
      "id": "file_papers_file_number",
      "key": "file_number",
      "label": "档号",
      "validate": {
        "required": true,
        "maxLength": 30
      }
    }
  ]
}
""",
    },
    english={"材料归档": "File the papers", "登记档号": "Record the file number", "档号": "File number"},
)

A_RULE = Recipe(
    title="A rule",
    max_files=2,
    replaced={
        NEED: {"return date(today.year + 1, 3, 1)": "return date(today.year + 1, 4, 1)"},
        NEED_TABLE: {
            '<outputEntry id="issued_this_year_need">\n          <text>"none"</text>': (
                '<outputEntry id="issued_this_year_need">\n          <text>"refresher"</text>'
            ),
        },
    },
)


def all_recipes(versions: Path) -> tuple[Recipe, ...]:
    """The recipes in the order of CONTRIBUTING.md; versions: the folder of migrations."""
    return field_of_a_person(versions), A_REPORT, A_USER_TASK, A_RULE
