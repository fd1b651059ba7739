"""Addresses of every page that the application has, on the demonstration, as each role meets them."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import cast, select
from sqlalchemy.dialects.postgresql import TEXT
from werkzeug.routing import BuildError, Rule

from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate, PrintRecord
from service.models.tables.certificates.print_batch import PrintBatch
from service.models.tables.notices.notice import Notice
from service.models.tables.notices.ticket import Ticket
from service.models.tables.persons.identity_correction import IdentityCorrection
from service.models.tables.persons.person import Person, Photo, QualificationType
from service.models.tables.persons.person_import import PersonImport
from service.models.tables.runtime.case import Case, Task
from service.models.tables.runtime.process import DefinitionVersion
from service.models.tables.runtime.version_change import BacktestRun, MigrationRun
from service.models.tables.system.audit import RowChange
from service.models.tables.system.audit_sample import AuditSample, SampledCase
from service.models.tables.system.export import ExportLog
from service.models.tables.training.training import Enrollment, TrainingClass, TrainingPlan
from service.models.tables.units.organisation import Organisation
from service.reports import LISTS, REPORTS
from service.reports.class_papers import PAPERS
from service.workflow.processes import definitions
from service.workflow.runtime import jobs
from service.workflow.versions import deployments
from tests.api.test_pages_person_import import book, cells
from tests.builders.world import sign_in

LOGINS = (
    "ministry",
    "association",
    "province-37",
    "institution-1",
    "group-1",
    "enterprise-1",
    "branch-1",
    "sysadmin",
    "secadmin",
    "auditor",
    "processadmin",
)
GROUPS = (
    ("association", "sysadmin"),
    ("province-37", "processadmin", "secadmin"),
    ("ministry", "enterprise-1"),
    ("group-1", "institution-1", "branch-1", "auditor"),
)
"""All of ``LOGINS``, so that several workers share them; who may disable others comes last."""
NO_PAGES = ("/api/", "/engine-rest/", "/static/")  # REST answers with JSON, files come from the disk
# What each argument of an address is taken from, and what its examples are told apart by.
SOURCES: dict[str, tuple[Any, Any]] = {
    "correction_id": (IdentityCorrection.id, IdentityCorrection.state),
    "case_id": (Case.id, Case.process),
    "certificate_id": (Certificate.id, Certificate.state),
    "class_id": (TrainingClass.id, TrainingClass.state),
    "enrollment_id": (Enrollment.id, Enrollment.state),
    "migration_id": (MigrationRun.id, MigrationRun.state),
    "notice_id": (Notice.id, Notice.kind + Notice.state),
    "person_id": (Person.id, Person.state),
    "plan_id": (TrainingPlan.id, TrainingPlan.state),
    "record_id": (PrintRecord.id, cast(PrintRecord.received_by.is_not(None), TEXT)),
    "task_id": (Task.id, Task.kind),
    "ticket_id": (Ticket.id, Ticket.kind + Ticket.state),
    "type_id": (QualificationType.id, QualificationType.code),
    "unit_id": (Organisation.id, Organisation.kind),
    "user_id": (User.id, User.role),
    "export_id": (ExportLog.id, ExportLog.name),
    "import_id": (PersonImport.id, PersonImport.state),
    "backtest_id": (BacktestRun.id, BacktestRun.state),
    "sample_id": (AuditSample.id, AuditSample.state),
    "position": (SampledCase.position, SampledCase.finding),
    "batch_id": (PrintBatch.id, PrintBatch.state),
    "photo_id": (Photo.id, Photo.width),
    "digest": (DefinitionVersion.digest, DefinitionVersion.key),
    "key": (DefinitionVersion.key, DefinitionVersion.key),
    "row_id": (RowChange.row_id, RowChange.table_name),
    "table": (RowChange.table_name, RowChange.table_name),
    "token": (Certificate.verify_token, Certificate.state),
}
EXAMPLES, NAMES = 8, 60  # addresses of one rule for one role; reports and lists all
OF_THE_UNIT = {
    Person: Person.unit_id,
    Enrollment: Enrollment.unit_id,
    Organisation: Organisation.id,
    Case: Case.unit_id,
    User: User.organisation_id,
}


def page_rules(app: Flask) -> list[Rule]:
    """The rules of all pages that can be read."""
    return [r for r in app.url_map.iter_rules() if "GET" in (r.methods or ()) and not r.rule.startswith(NO_PAGES)]


def user_named(login: str) -> User:
    found = User.by_login(login)
    assert found is not None
    return found


def leave_traces(client: FlaskClient) -> None:
    """What people leave behind who use the pages: a sample, an import to look at, an export, prints as one file."""
    sign_in(client, user_named("auditor"))
    sample = {"title": "抽查", "process": "training_enrollment", "size": "2", "seed": "1"}
    client.post("/audit/samples", data=sample)
    client.post("/sign-out")
    sign_in(client, user_named("enterprise-1"))
    rows = [cells(900 + n, name=f"张三{'甲乙丙丁'[n % 4]}") for n in range(40)] + [cells(950, name="")]
    client.post("/persons/import", data={"import_id": str(new_id()), "file": (io.BytesIO(book(rows)), "人员.xlsx")})
    client.post("/exports/new/persons", data={"purpose": "核对"})
    client.post("/sign-out")
    sign_in(client, user_named("association"))
    printable = select(Certificate.id).where(Certificate.state == "valid", Certificate.kind == "issued")
    ids = [str(key) for key in session().scalars(printable.order_by(Certificate.number).limit(3))]
    assert ids, "the demonstration has no certificate left to print"
    answer = client.post("/certificates/print", data={"certificate": ids, "reason": "补打"})
    assert answer.status_code == 303, answer.text
    jobs.run_all()
    client.post("/sign-out")
    _test_and_migrate(client)


def _test_and_migrate(client: FlaskClient) -> None:
    """A back-test and a migration of a process that is deployed anew."""
    sign_in(client, user_named("processadmin"))
    assert client.post("/processes/support_ticket/backtest", data={}).status_code == 302
    current = definitions.current("support_ticket")
    files = definitions.files(current.digest)
    changed = {current.main: files[current.main] + b"<!-- the same, drawn anew -->"}
    deployments.deploy(files | changed, process=current.key)
    begun = client.post(
        f"/processes/support_ticket/migrate?version={current.number}", data={"then": "migrate", "reason": "同一张图"}
    )
    assert begun.status_code == 302, begun.text
    jobs.run_all()
    client.post("/sign-out")


def examples_of(user: User) -> dict[str, list[Any]]:
    """Up to one id for each kind or state of a thing, the reader's own first."""
    found: dict[str, list[Any]] = {name: [] for name in SOURCES}
    for name, (key, apart) in SOURCES.items():
        kinds: defaultdict[Any, list[Any]] = defaultdict(list)
        for value, kind in session().execute(select(key, apart).order_by(*_nearest(user, key.class_))):
            kinds[kind].append(value)
        found[name] = [values[0] for values in kinds.values()]
    found["name"] = [report.name for report in (*REPORTS, *LISTS)]
    return found


def _nearest(user: User, model: Any) -> list[Any]:
    column = OF_THE_UNIT.get(model)
    open_first = {
        Task: [Task.state != "open", ~Task.organisation_id.in_((user.organisation_id, user.id))],
        Case: [Case.ended_at.is_not(None)],
    }
    return [
        *open_first.get(model, []),
        *([column != user.organisation_id] if column is not None else []),
        next(iter(model.__table__.primary_key)),
    ]


def addresses(app: Flask, rule: Rule, examples: dict[str, list[Any]]) -> Iterator[str]:
    """The rule with its examples put in; a rule of two arguments with each pair."""
    of_a_class = rule.endpoint in ("reports.class_paper", "papers.class_paper")
    examples = examples | ({"name": [paper.name for paper in PAPERS]} if of_a_class else {})
    most = NAMES if rule.arguments == {"name"} else EXAMPLES
    values: list[dict[str, Any]] = [{}]
    for argument in sorted(rule.arguments):
        values = [{**one, argument: example} for one in values for example in examples.get(argument, [UUID(int=0)])]
    with app.test_request_context():
        for one in values[:most]:
            try:
                yield app.url_for(rule.endpoint, **one)
            except BuildError:
                continue
