"""Notices and bulletins (R68): their kinds and states, what may be done with one, and whom its author may address."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from service.domain.accounts.roles import Role
from service.domain.values.labelled_enum import Labelled
from service.errors import N_, InvalidInput, Message

EMPTY = "—"
_VARIABLE = re.compile(r"\{(\w+)\}")
MAX_TITLE_LENGTH, MAX_BODY_LENGTH = 200, 100_000  # characters; of the body with its marks


class NoticeKind(Labelled):
    """The kind of announcement."""

    NOTICE = "notice", N_("业务通知")  # written by a process: a class opens, is cancelled, waits
    BULLETIN = "bulletin", N_("通报")  # written by a province or the association (S110)
    REMINDER = "reminder", N_("催报")  # to one unit that has not entered its data (S14)
    DIGEST = "digest", N_("每日提醒")  # to one organisation: warnings and work of the day (R66)


class NoticeState(Labelled):
    DRAFT = "draft", N_("草稿")
    PUBLISHED = "published", N_("已发布")
    WITHDRAWN = "withdrawn", N_("已撤下")


READERS: tuple[Role, ...] = (
    Role.PROVINCIAL_AUTHORITY,
    Role.ASSOCIATION,
    Role.TRAINING_INSTITUTION,
    Role.GROUP,
    Role.ENTERPRISE,
)
"""Roles that a bulletin can be addressed to; the ministry reads them all (domain.md §9)."""
NOTIFIED = (Role.MINISTRY, *READERS)
"""Roles that a diagram can notify: those who read notices."""


def obstacle_to_editing(state: NoticeState) -> Message | None:
    """Return why a bulletin cannot be changed: published, it can only be withdrawn (R68)."""
    if state is NoticeState.DRAFT:
        return None
    return Message(N_("通报%(state)s，不能再修改；有误请撤下后另发。"), state=Message(state.label))


def obstacle_to_deletion(state: NoticeState) -> Message | None:
    """Return why a bulletin cannot be deleted: only drafts can (R68)."""
    if state is NoticeState.DRAFT:
        return None
    return Message(N_("通报%(state)s，不能删除；已发布的只能撤下。"), state=Message(state.label))


def obstacle_to_withdrawal(state: NoticeState) -> Message | None:
    """Return why a bulletin cannot be withdrawn: only published ones can (R68)."""
    if state is NoticeState.PUBLISHED:
        return None
    return Message(N_("通报是“%(state)s”，无须撤下。"), state=Message(state.label))


def addressable_roles(author: Role) -> tuple[Role, ...]:
    """List the roles a bulletin can address: a province addresses its own units, the association all readers."""
    return READERS if author is Role.ASSOCIATION else (Role.GROUP, Role.ENTERPRISE)


def check_roles(author: Role, roles: list[str], field: str = "roles") -> None:
    """Raise ``InvalidInput`` unless the roles are among ``addressable_roles``. No role chosen means all."""
    if not set(roles) <= {str(role) for role in addressable_roles(author)}:
        raise InvalidInput({field: N_("请从列表中选择发布对象。")})


def words(title: Message, body: Sequence[Message | str]) -> dict[str, Any]:
    """The content of a notice as JSON: messages by key and values, so that each reader has their own language; a text
    of the body stays as somebody wrote it.
    """
    return {
        "title": title.to_json(),
        "body": [line if isinstance(line, str) else line.to_json() for line in body],
    }


def template_key(template: str) -> str:
    """The key of the catalogue for a text with variables in ``{}``."""
    return _VARIABLE.sub(r"%(\1)s", template.replace("%", "%%")) if _VARIABLE.search(template) else template


def variables_in(template: str) -> frozenset[str]:
    """The variables in ``{}`` of a text."""
    return frozenset(_VARIABLE.findall(template))


def template_message(template: str, values: Mapping[str, Any]) -> Message:
    """Fill a text with variables in ``{}``; one that was left empty is a dash.

    Raises KeyError for one that is not there, or is no text or number.
    """
    found = {name: EMPTY if values[name] in (None, "") else values[name] for name in variables_in(template)}
    for name, value in found.items():
        if not isinstance(value, (str, int)):
            raise KeyError(name)
    return Message(template_key(template), **found)


def title_of(facts: Mapping[str, Any], stored: str) -> Message | str:
    """The title for the reader: from ``words``, or as stored with a notice that has none."""
    return Message.from_json(facts["title"]) if "title" in facts else stored


def body_of(facts: Mapping[str, Any], stored: str) -> Message | str:
    """The text for the reader, its lines in one message: from ``words``, or as stored with a notice that has none."""
    if "body" not in facts:
        return stored
    lines = {
        f"line_{n}": line if isinstance(line, str) else Message.from_json(line) for n, line in enumerate(facts["body"])
    }
    return Message("\n".join(f"%({name})s" for name in lines), **lines)
