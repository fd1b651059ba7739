"""Bulletins (S110, R68): drafted by a province or the association, with files, published to an audience, withdrawn."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.notices import notices
from service.domain.notices.notices import MAX_BODY_LENGTH, MAX_TITLE_LENGTH, NoticeKind, NoticeState
from service.domain.values.validators import parse_reason
from service.errors import N_, Conflict, InvalidInput, Message, NotAllowed, NotFound
from service.infrastructure import rich_text
from service.models.db.clock import now
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.scope import get_or_404_in_scope, visible_to
from service.models.queries.scope_adapters import is_organised_by
from service.models.queries.units import unit_list
from service.models.tables.accounts.user import User
from service.models.tables.notices.notice import Attachment, Notice
from service.models.tables.system import setting
from service.validation.characters import is_storable, tidy
from service.validation.form_reader import FormReader
from service.validation.messages import NOT_STORABLE, REQUIRED, TOO_LONG
from service.workflow.attachments import check_attachment
from service.workflow.optimistic_lock import check_version

MEGABYTE = 1024 * 1024
MAX_UNITS = 200  # that one bulletin names


def save_bulletin(user: User, raw: Mapping[str, Any], notice_id: UUID | None = None) -> Notice:
    """Write a draft, a new one without ``notice_id``; it can be changed until it is published (R68).

    raw: title, body (HTML if ``markup`` is there, else plain lines), roles and authorities (lists; empty: all), units
    (a name a line; empty: all), version. Raises InvalidInput at the field,
    Conflict once published or when a colleague saved in between.
    """
    with transaction(Operation("save_bulletin", user.id)) as current:
        row = _own(user, notice_id) if notice_id else _new(user)
        if obstacle := notices.obstacle_to_editing(NoticeState(row.state)):
            raise Conflict(obstacle)
        check_version(row.version, raw)
        entry = FormReader(raw)
        row.title = entry.text("title", MAX_TITLE_LENGTH, required=True) or ""
        row.body = _body(entry)
        row.roles = sorted(raw.get("roles") or [])
        row.authorities = _authorities(user, sorted(set(raw.get("authorities") or [])), entry)
        row.units = _units(user, entry)
        entry.parse(notices.check_roles, Role(user.role), row.roles)
        entry.check()
        current.add(row)
    return row


def publish_bulletin(user: User, notice_id: UUID) -> Notice:
    """Publish a draft: everybody addressed reads it from now on, and it cannot be changed any more (R68)."""
    with transaction(Operation("publish_bulletin", user.id)):
        row = _own(user, notice_id)
        if row.state != NoticeState.DRAFT:
            raise Conflict(N_("通报已经发布过了。"))
        row.state, row.published_at = NoticeState.PUBLISHED, now()
    return row


def withdraw_bulletin(user: User, notice_id: UUID, reason: str) -> Notice:
    """Take a published one back, with a reason that stays with it; its receipts stay too (R68)."""
    with transaction(Operation("withdraw_bulletin", user.id)):
        row = _own(user, notice_id)
        if obstacle := notices.obstacle_to_withdrawal(NoticeState(row.state)):
            raise Conflict(obstacle)
        row.withdraw_reason, row.state = parse_reason(reason), NoticeState.WITHDRAWN
    return row


def delete_bulletin(user: User, notice_id: UUID) -> None:
    """Delete a draft with its files (R68)."""
    with transaction(Operation("delete_bulletin", user.id)) as current:
        row = _own(user, notice_id)
        if obstacle := notices.obstacle_to_deletion(NoticeState(row.state)):
            raise Conflict(obstacle)
        for file in Attachment.of(row.id):
            current.delete(file)
        current.flush()
        current.delete(row)


def attach(user: User, notice_id: UUID, name: str, data: bytes) -> Attachment:
    """Add a file to a draft: checked to be what its name says. Raises InvalidInput at ``file``."""
    with transaction(Operation("attach_file", user.id)) as current:
        row = _draft(user, notice_id)
        most = setting.number("attachments")
        known = current.scalar(select(func.count()).select_from(Attachment).where(Attachment.notice_id == row.id)) or 0
        if known >= most:
            raise InvalidInput({"file": Message(N_("最多 %(most)s 个附件，请先移除一个。"), most=most)})
        name, media_type = check_attachment(name, data, setting.number("attachment_megabytes") * MEGABYTE)
        file = Attachment(id=new_id(), notice_id=row.id, name=name, media_type=media_type, size=len(data), content=data)
        current.add(file)
    return file


def detach(user: User, notice_id: UUID, attachment_id: UUID) -> None:
    """Take a file off a draft."""
    with transaction(Operation("detach_file", user.id)) as current:
        row = _draft(user, notice_id)
        current.delete(_file(row.id, attachment_id))


def open_file(user: User, notice_id: UUID, attachment_id: UUID) -> tuple[Attachment, bytes]:
    """A file of a notice that the reader may read, and its content."""
    row = get_or_404_in_scope(user, Notice, notice_id)
    file = _file(row.id, attachment_id)
    return file, file.content


def may_author(user: User) -> bool:
    """Tell whether the role writes bulletins."""
    return may(Role(user.role), Action.EDIT_BULLETIN)


def is_author(user: User, row: Notice) -> bool:
    """Tell whether it is a bulletin of the user's organisation."""
    return row.kind == NoticeKind.BULLETIN and is_organised_by(user, Action.EDIT_BULLETIN, row.author_id)


def _new(user: User) -> Notice:
    if not may_author(user):
        raise NotAllowed
    return Notice(
        id=new_id(),
        kind=NoticeKind.BULLETIN,
        author_id=user.organisation_id,
        state=NoticeState.DRAFT,
        version=1,
        organisation_id=None,
    )


def _own(user: User, notice_id: UUID) -> Notice:
    """A bulletin of the user's organisation, locked; raises NotFound for any other."""
    if not may_author(user):
        raise NotAllowed
    own = visible_to(user, Notice, Action.EDIT_BULLETIN)
    query = select(Notice).where(Notice.id == notice_id, Notice.kind == NoticeKind.BULLETIN, own)
    row = session().scalars(query.with_for_update()).one_or_none()
    if row is None:
        raise NotFound
    return row


def _draft(user: User, notice_id: UUID) -> Notice:
    row = _own(user, notice_id)
    if obstacle := notices.obstacle_to_editing(NoticeState(row.state)):
        raise Conflict(obstacle)
    return row


def _file(notice_id: UUID, attachment_id: UUID) -> Attachment:
    query = select(Attachment).where(Attachment.id == attachment_id, Attachment.notice_id == notice_id)
    file = session().scalars(query).one_or_none()
    if file is None:
        raise NotFound
    return file


def _body(entry: FormReader) -> str:
    """The cleaned text; one without a word is refused."""
    typed = tidy(entry.typed("body"))
    if len(typed) > MAX_BODY_LENGTH:
        entry.refuse("body", Message(TOO_LONG, most=MAX_BODY_LENGTH, now=len(typed)))
        return ""
    body = rich_text.clean(typed) if entry.has("markup") else rich_text.from_plain(typed)
    if not is_storable(html.unescape(body)):
        entry.refuse("body", NOT_STORABLE)
    if not rich_text.to_plain(body):
        entry.refuse("body", REQUIRED)
    return body


def _authorities(user: User, chosen: list[str], entry: FormReader) -> list[str]:
    """A province speaks to its own; the association to the provinces chosen, none chosen to all."""
    if user.role == Role.PROVINCIAL_AUTHORITY:
        return [str(user.organisation_id)]
    if not set(chosen) <= {str(key) for key, _ in unit_list.provinces()}:
        entry.refuse("authorities", N_("请从列表中选择省份。"))
    return chosen


def _units(user: User, entry: FormReader) -> list[str]:
    """The units named, a line each; only those in the author's scope can be. None named: all."""
    names = list(dict.fromkeys(" ".join(line.split()) for line in entry.typed("units").splitlines() if line.strip()))
    if len(names) > MAX_UNITS:
        entry.refuse("units", Message(N_("最多指定 %(most)s 个单位，更多请按省份和角色发布。"), most=MAX_UNITS))
        return []
    found = unit_list.ids_by_name(user, names)
    unknown = [name for name in names if name not in found]
    if unknown:
        said = Message(N_("没有找到这些单位，请写全称：%(names)s"), names="、".join(unknown)[:200])
        entry.refuse("units", said)
    return sorted(str(key) for keys in found.values() for key in keys)
