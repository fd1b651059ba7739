"""The file of a case on paper: cover, diagram as it was drawn, time line with forms, papers, hashes, how to check."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from service import forms
from service.domain.accounts.roles import Role
from service.domain.persons.case_subjects import shown_subject
from service.infrastructure.documents import pdf
from service.infrastructure.translation import translate
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case
from service.web.presenters import form_answers
from service.web.presenters.formatting import whole_instant
from service.web.presenters.papers import case_documents, papers
from service.web.presenters.replay import replay_frames, timeline
from service.workflow.processes import definitions, diagram_svg
from service.workflow.system.case_archives import IndexLine
from service.workflow.system.case_file import CaseEvidence, case_address

TEMPLATE, INDEX, STYLE = "documents/case_file.html", "documents/case_index.html", "documents/paper.css"


def print_case(user: User, case: Case, evidence: CaseEvidence) -> bytes:
    """The file as PDF. evidence: the rows of the journal with their replay, and the last seal."""
    made = case_documents.read_papers(user, case, evidence.documents)
    told = timeline.to_timeline(evidence.rows, case_documents.titles(made))
    address = case_address(case.id)
    facts = {
        "title": translate(definitions.version(case.definition).name),
        "subject": shown_subject(Role(user.role), case.process, case.subject),
        "number": str(case.id),
        "started": whole_instant(case.started_at),
        "ended": whole_instant(case.ended_at) if case.ended_at else "",
        "result": _result(case),
        "qr": pdf.qr_code(address),
        "address": address,
        "versions": [(definitions.version(digest).number, digest) for digest in evidence.moments],
        "pictures": _pictures(evidence),
        "lines": [
            {"line": line, "at": whole_instant(line.at), "hash": digest, "answers": _answers(line, row.data)}
            for line, row, digest in zip(told, evidence.rows, evidence.hashes, strict=True)
        ],
        "papers": [(paper.title, whole_instant(paper.made_at), paper.body) for paper in made],
        "seal": evidence.seal,
        "sealed_at": whole_instant(evidence.seal.at) if evidence.seal else "",
        "words": papers.page_words(),
        "foot": papers.printed_by(user),
    }
    return pdf.print_pdf(pdf.render(TEMPLATE, {"file": facts}), style=STYLE)


def print_index(user: User, lines: Sequence[IndexLine]) -> bytes:
    """The first page of an archive of cases: each with the digests of its files."""
    facts = [
        {
            "title": translate(definitions.version(line.case.definition).name),
            "subject": shown_subject(Role(user.role), line.case.process, line.case.subject),
            "line": line,
        }
        for line in lines
    ]
    return pdf.render(INDEX, {"cases": facts, "made": papers.printed_by(user)}).encode()


def _result(case: Case) -> str:
    names = replay_frames.element_names(case.definition)
    return translate(names.get(case.ended, case.ended)) if case.ended else ""


def _answers(line: timeline.TimelineEntry, data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every field of the form with its answer, the empty ones too."""
    return [(translate(f.label), _answer(f, data.get(f.key))) for f in line.fields if f.key] or line.given


def _answer(field: forms.Field, value: Any) -> str:
    return "—" if value in (None, "", []) else form_answers.answer_text(field, value)


def _pictures(evidence: CaseEvidence) -> Sequence[tuple[int, str]]:
    """The diagram of each version as the case left it, as addresses inside the document."""
    found = []
    for digest, moment in evidence.moments.items():
        definition = definitions.definition(digest)
        marks = diagram_svg.Marks(
            done={replay_frames.last(path) for path in moment.done},
            tokens={part for path in moment.tokens for part in path.split("/")},
            flows=moment.flows,
        )
        for svg in diagram_svg.pictures(definitions.files(digest)[definition.main], definition.main, marks):
            address = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
            found.append((definitions.version(digest).number, Markup(address)))  # noqa: S704 - made here
    return found
