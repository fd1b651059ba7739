"""Topics that any diagram may use: set a state, notify, make a paper, start a case, call a service (decision 23).

What one asks is said by the input parameters of its element. Nothing leaves before the commit.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import func, select

from service.domain.notices.notices import MAX_TITLE_LENGTH, NOTIFIED, NoticeKind, NoticeState, template_message, words
from service.engine import StepError
from service.errors import Message
from service.handlers.registry import topic
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.notices.notice import Notice
from service.models.tables.runtime.case import CaseDocument
from service.models.tables.system import setting
from service.models.tables.units.organisation import Organisation
from service.operations.context import Context
from service.validation.typed_text import as_id

MAIL, START, CALL = "notice_mail", "start_case", "http"
"""Effects that these topics leave for the worker."""

INPUTS: dict[str, dict[str, bool]] = {
    "general.set_state": {},
    "general.notify": {
        "to_role": False,
        "to_organisation": False,
        "to_person": False,
        "title": True,
        "title_en": False,
        "body": False,
        "body_en": False,
        "by_mail": False,
    },
    "general.document": {"title": True, "title_en": False, "body": True, "body_en": False},
    "general.start_case": {"process": True, "variables": False, "business_key": False},
    "general.http": {"url": True, "method": False, "content": False, "secret": False},
}
"""The input parameters of each topic, and whether it needs them."""
WORDS = ("title", "body")
"""Input parameters that people read; the English of each stands beside it: ``title_en``, ``body_en``."""
_STRUCTURED = ("variables", "content")  # mappings or lists, as they are
_TEXTS = "title title_en body body_en"


@topic("general.set_state", is_undoable=True)
def set_state(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Do nothing: the element's property ``state`` says all."""
    return {}


@topic("general.notify", texts=_TEXTS, is_undoable=True)
def notify(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Publish a notice to a role, an organisation, the account of a person, or what of them is given together.

    ``{name}`` in title and body is the value of a variable. by_mail: who has an address gets the title by mail too,
    once what a person did can no longer be taken back.
    """
    asked, addressees = _inputs("general.notify", data), []
    role = asked["to_role"]
    for name, kind in (("to_organisation", Organisation), ("to_person", User)):
        if (given := asked[name]) not in (None, ""):
            addressees.append(_existing(kind, given, name))
    if role not in (None, "", *(one.value for one in NOTIFIED)):
        raise StepError(f"to_role:角色 {role} 不收通知。")
    if not role and not addressees:
        raise StepError("通知没有收件人：给出 to_role、to_organisation 或 to_person。")
    title, body = _filled(asked, data)
    notice = Notice(
        id=new_id(),
        kind=NoticeKind.NOTICE,
        title=str(title)[:MAX_TITLE_LENGTH],
        body=str(body),
        facts=words(title, [body]),
        roles=[role] if role else [],
        units=addressees,
        state=NoticeState.PUBLISHED,
        published_at=context.at,
    )
    session().add(notice)
    if str(asked["by_mail"]).lower() == "true":
        may_be_undone = context.actor_id is not None and context.seq > 0
        window = timedelta(minutes=setting.number("undo_minutes") if may_be_undone else 0)
        context.leave_effect(MAIL, {"notice_id": str(notice.id)}, context.at + window)
    return {}


@topic("general.document", texts=_TEXTS)
def document(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Keep a paper with the case: its title and text, in which ``{name}`` is the value of a variable now.

    The same input makes the same papers: their ids follow from it.
    """
    title, body = _filled(_inputs("general.document", data), data)
    made = select(func.count()).where(CaseDocument.case_id == context.case_id, CaseDocument.seq == context.seq)
    name = f"document {context.seq} {session().scalar(made)}"
    session().add(
        CaseDocument(
            id=uuid5(context.case_id, name),
            case_id=context.case_id,
            seq=context.seq,
            element=context.element[:200],
            facts=words(title, [body]),
        )
    )
    session().flush()
    return {}


@topic("general.start_case")
def start_case(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Start a case of another process after the commit, with the variables that its start form declares."""
    asked = _inputs("general.start_case", data)
    variables, key = asked["variables"] or {}, asked["business_key"]
    if not isinstance(variables, dict):
        raise StepError("variables 应是变量的映射，如 ${{...}}。")
    payload = {
        "process": str(asked["process"]),
        "variables": variables,
        "business_key": None if key is None else str(key),
    }
    context.leave_effect(START, payload)
    return {}


@topic("general.http")
def http(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Call a service outside after the commit; hosts and secrets are settings of the installation."""
    asked = _inputs("general.http", data)
    payload = {
        "url": str(asked["url"]),
        "method": str(asked["method"] or "POST").upper(),
        "content": {} if asked["content"] in (None, "") else asked["content"],
        "secret": str(asked["secret"] or "") or None,
    }
    context.leave_effect(CALL, payload)
    return {}


def _inputs(name: str, data: dict[str, Any]) -> dict[str, Any]:
    """The input parameters of a topic; None for one that was not given. Raises StepError for a list where one is."""
    asked = {key: data.get(key) for key in INPUTS[name]}
    for key, value in asked.items():
        if key not in _STRUCTURED and not isinstance(value, str | int | None):
            raise StepError(f"{key} 应是一个值，不是 {value!r:.100}。")
    return asked


def _filled(asked: dict[str, Any], data: dict[str, Any]) -> tuple[Message, Message]:
    """Title and text with the values of their variables. Raises StepError."""
    try:
        title, body = (template_message(str(asked[name] or ""), data) for name in WORDS)
    except LookupError as error:
        raise StepError(f"标题或正文用到没有的变量 {error}。") from error
    return title, body


def _existing(kind: type[Organisation] | type[User], given: object, name: str) -> str:
    """The id of an organisation or account that is there. Raises StepError."""
    key = as_id(given)
    found: UUID | None = session().scalar(select(kind.id).where(kind.id == key)) if key else None
    if found is None:
        raise StepError(f"{name}：没有 {given!r}。")
    return str(found)
