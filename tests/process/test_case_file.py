"""The file of a case on paper: cover, diagram, every step with its form and hash, and a trace with the file's digest."""

from __future__ import annotations

import hashlib
import io

import pikepdf
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from service.infrastructure.documents import pdf
from service.models.db.session import session
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Case, JournalRow
from service.models.tables.system.audit import AuditEvent
from tests.api.every_page import user_named
from tests.builders.world import sign_in


@pytest.mark.usefixtures("demonstration")
def test_one_click_gives_the_file_of_a_case_with_every_hash_and_no_name(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, user_named("auditor"))
    case = (
        session()
        .scalars(select(Case).where(Case.process == "training_enrollment").order_by(Case.seq.desc()).limit(1))
        .one()
    )
    laid_out: list[str] = []

    def print_pdf(html: str, *, style: str) -> bytes:
        laid_out.append(html)
        return lay_out(html, style=style)

    lay_out = pdf.print_pdf
    monkeypatch.setattr(pdf, "print_pdf", print_pdf)
    answer = client.post(f"/cases/{case.id}/file")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    with pikepdf.open(io.BytesIO(answer.data)) as document:
        boxes = [[float(side) for side in page.mediabox] for page in document.pages]
    assert len(boxes) > 2
    assert any(right > top for _, _, right, top in boxes), "the diagram lies across the sheet"
    bare = laid_out[0]
    assert bare.count("data:image/svg+xml") == 1
    rows = session().scalars(select(JournalRow).where(JournalRow.case_id == case.id).order_by(JournalRow.seq)).all()
    assert str(case.id) in bare
    assert [row.seq for row in rows if row.hash not in bare] == []
    assert {row.record["definition"] for row in rows} == {case.definition}
    assert case.definition in bare
    assert "怎样核对" in bare
    assert case.subject not in bare
    names = {name for name in session().scalars(select(Person.name)) if len(name) > 2}
    assert [name for name in names if name in bare] == []
    event = session().scalars(select(AuditEvent).where(AuditEvent.action == "export_case_file")).one()
    assert event.detail["sha256"] == hashlib.sha256(answer.data).hexdigest()
    sign_in(client, user_named("ministry"))
    assert client.post(f"/cases/{case.id}/file").status_code in (403, 404)
