"""Papers that a diagram made of its case: values as words, ids as names, in the reader's language and scope."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import url_for
from flask_babel import get_locale, gettext
from markupsafe import Markup

from service.domain.accounts.roles import Role
from service.domain.persons.case_subjects import shown_subject
from service.errors import Message
from service.infrastructure.rich_text import from_markdown
from service.infrastructure.translation import translate
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case, CaseDocument
from service.web.presenters.formatting import full_instant
from service.web.presenters.papers import papers
from service.web.presenters.replay import replay_frames


@dataclass(frozen=True, slots=True)
class CasePaper:
    """A paper as it is read. seq: of the input that made it."""

    id: UUID
    seq: int
    title: str
    body: str
    made_at: datetime


def read_papers(user: User, case: Case, documents: Iterable[CaseDocument]) -> list[CasePaper]:
    """The papers of a case in words."""
    packed = [
        (one, Message.from_json(one.facts["title"]), Message.from_json(one.facts["body"][0])) for one in documents
    ]
    if not packed:
        return []
    named = replay_frames.names_in(user, [message.values for _one, *pair in packed for message in pair])
    fields = replay_frames.fields_of(case.definition)

    def told(message: Message) -> str:
        values = {
            name: replay_frames.show(name, fields.get(name), value, named) for name, value in message.values.items()
        }
        return translate(Message(message.text, **values))

    return [CasePaper(one.id, one.seq, told(title), told(body), one.created_at) for one, title, body in packed]


def titles(found: Iterable[CasePaper]) -> dict[int, list[str]]:
    """The titles of papers by the input that made them."""
    by_input: dict[int, list[str]] = {}
    for paper in found:
        by_input.setdefault(paper.seq, []).append(paper.title)
    return by_input


def links(case: Case, found: Iterable[CasePaper]) -> dict[int, list[tuple[str, str]]]:
    """The titles of papers with their addresses, by the input that made them."""
    by_input: dict[int, list[tuple[str, str]]] = {}
    for paper in found:
        address = url_for("cases.document", case_id=case.id, file_id=paper.id)
        by_input.setdefault(paper.seq, []).append((paper.title, address))
    return by_input


def print_facts(user: User, case: Case, paper: CasePaper, process_name: str) -> dict[str, Any]:
    """The facts of the printed sheet; the text may have headings, lists and emphasis."""
    subject = shown_subject(Role(user.role), case.process, case.subject)
    number = gettext("案卷编号 %(number)s", number=str(case.id)[-12:])
    return {
        "title": paper.title,
        "subject": subject,
        "about": " · ".join((translate(process_name), number, full_instant(paper.made_at))),
        "body": Markup(from_markdown(paper.body)),  # noqa: S704 - cleaned
        "language": "en" if str(get_locale()) == "en" else "zh-CN",
        "words": papers.page_words(),
        "foot": papers.printed_by(),
    }
