"""Files of many cases: one ZIP with the PDF and the evidence of each, an index of digests, and a trace for each case."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from service.infrastructure.seals import seal_keys
from service.models.db.session import session
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Case
from service.models.tables.system.audit import AuditEvent
from service.models.tables.system.export import ExportLog, ExportState
from service.models.tables.training.training import Enrollment, TrainingClass
from service.workflow.runtime import jobs
from service.workflow.system import case_archives
from service.workflow.system.sealing import seal_new
from tests.api.every_page import user_named
from tests.builders.sealed import seal_in
from tests.builders.world import sign_in
from tests.process.test_evidence import checked, differences, repacked

Files = dict[str, bytes]


@pytest.fixture
def desk(demonstration: None, client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    seal_in(tmp_path, monkeypatch)
    seal_new()
    return sign_in(client, user_named("auditor"))


def log() -> ExportLog:
    return session().scalars(select(ExportLog).order_by(ExportLog.at.desc(), ExportLog.id.desc()).limit(1)).one()


def taken(desk: FlaskClient, query: str, **form: Any) -> bytes:
    """The archive, as the worker writes it and the auditor downloads it."""
    assert desk.post(f"/cases/files?{query}", data=form).status_code == 302
    row = log()
    assert "0 / " in desk.get(f"/exports/{row.id}").text
    jobs.run_at_once(row.id)
    row = log()
    assert (row.state, row.done) == (ExportState.DONE, row.total)
    answer = desk.get(f"/exports/{row.id}/file", buffered=True)
    assert (answer.mimetype, answer.headers["Content-Disposition"].count(".zip")) == ("application/zip", 2)
    return answer.data


def files_of(content: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def smallest_class() -> tuple[str, set[str]]:
    """The number of the class with the fewest enrolments, and the cases that are about it."""
    about: dict[tuple[str, str], set[str]] = {}
    joined = select(TrainingClass, Enrollment.case_id).join(Enrollment, Enrollment.class_id == TrainingClass.id)
    for found, case_id in session().execute(joined):
        about.setdefault((found.code, str(found.case_id)), set()).add(str(case_id))
    (code, own), enrolled = min(about.items(), key=lambda item: (len(item[1]), item[0]))
    return code, {own} | enrolled


def test_all_cases_of_a_class_are_one_file_that_is_verified_alone(desk: FlaskClient, tmp_path: Path) -> None:
    code, cases = smallest_class()
    content = taken(desk, f"number={code}", all="1")
    (key,) = seal_keys.public_keys().values()
    exit_code, said = checked(content, tmp_path / "empty", "--key", key)
    assert (exit_code, said.splitlines()[-1]) == (0, f"{len(cases)} cases, 0 differences"), said
    files = files_of(content)
    assert {name.split("/")[1] for name in files if name.startswith("cases/")} == cases
    index = files["index.html"].decode()
    for case in cases:
        paper = files[f"cases/{case}/case.pdf"]
        assert paper.startswith(b"%PDF")
        own = [name for name in files if name.startswith(f"cases/{case}/")]
        assert [name for name in own if digest(files[name]) not in index] == []
        assert json.loads(files[f"cases/{case}/journal.jsonl"].splitlines()[-1])["hash"] in index
        told = session().execute(
            select(AuditEvent.action, AuditEvent.detail["sha256"].astext).where(
                AuditEvent.object_id == case, AuditEvent.action.startswith("export_")
            )
        )
        assert dict(map(tuple, told)) == {"export_case_file": digest(paper), "export_evidence": digest(content)}
    names = {name for name in session().scalars(select(Person.name)) if len(name) > 2}
    assert [name for name in names if name in index] == [], "masked as the list is"
    begun = session().scalars(select(AuditEvent).where(AuditEvent.action == "export")).one()
    assert (begun.detail["filter"], begun.detail["rows"]) == ({"number": code}, len(cases))
    for name in ("index.html", next(name for name in files if name.endswith("case.pdf"))):
        forged = repacked(content, name, lambda data: data + b" ", relist=False)
        assert differences(forged) == [f"file {name}: not the one listed"]


def test_those_that_were_ticked_are_taken_and_no_others(desk: FlaskClient) -> None:
    ticked = [str(key) for key in session().scalars(select(Case.id).order_by(Case.id).limit(2))]
    page = desk.get("/cases").text
    assert re.findall(r'name="case" value="([0-9a-f-]{36})"', page)
    files = files_of(taken(desk, "", case=ticked))
    assert sorted(json.loads(files["manifest.json"])["cases"]) == sorted(ticked)


def test_none_and_too_many_are_refused_in_words_and_the_ticks_stay(
    desk: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = desk.post("/cases/files", data={})
    assert (answer.status_code, "没有选中案卷" in answer.text) == (409, True)
    monkeypatch.setattr(case_archives, "MAX_CASES", 1)
    shown = re.findall(r'name="case" value="([0-9a-f-]{36})"', desk.get("/cases").text)[:2]
    answer = desk.post("/cases/files", data={"case": shown})
    assert (answer.status_code, "一次最多导出 1 件案卷" in answer.text) == (409, True)
    assert re.findall(r'value="([0-9a-f-]{36})" checked', answer.text) == shown
    assert desk.post("/cases/files", data={"all": "1"}).status_code == 409
    assert session().scalars(select(ExportLog)).all() == []
    for login in ("ministry", "processadmin", "enterprise-1"):
        sign_in(desk, user_named(login))
        assert desk.post("/cases/files", data={"all": "1"}).status_code in (403, 404), login
        assert "/cases/files" not in desk.get("/cases").text
