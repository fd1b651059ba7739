"""Settings and the dictionary of qualification types: changed within their ranges,
each change in the history of rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.system.settings import SETTINGS, parse_setting
from service.domain.training.scores import parse_pass_mark
from service.errors import N_, Conflict, InvalidInput, NotAllowed, NotFound
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import QualificationType
from service.models.tables.system import setting
from service.models.tables.system.setting import Setting
from service.validation.form_reader import FormReader
from service.workflow.optimistic_lock import check_version

CODE = re.compile(r"[A-Z][A-Z0-9_]{1,19}")
HOURS = ("initial_hours", "refresher_hours", "renewal_hours")
MIN_HOURS, MAX_HOURS = 1, 500
LOCK = 20260305  # an advisory lock: of two who save settings the second sees what the first has saved


def settable(user: User) -> list[str]:
    """The keys of the settings that are the user's to change (三员: parameters and policy are apart)."""
    return [key for key, one in SETTINGS.items() if may(Role(user.role), one.action)]


def save_settings(user: User, raw: Mapping[str, Any]) -> int:
    """Change what was typed differently from what the form showed (``was_<key>``); returns how many were changed.

    Raises InvalidInput at a key out of its range, and Conflict when a colleague changed the same one meanwhile.
    """
    with transaction(Operation("save_settings", user.id)) as current:
        keys = settable(user)
        if not keys:
            raise NotAllowed
        current.execute(select(func.pg_advisory_xact_lock(LOCK)))  # a setting that was never changed has no row to lock
        rows = {row.key: row for row in current.scalars(select(Setting).where(Setting.key.in_(keys)))}
        entry, changed = FormReader(raw), 0
        for key in (k for k in keys if entry.has(k)):
            value = entry.parse(parse_setting, key, entry.typed(key))
            present = rows[key].value if key in rows else SETTINGS[key].default
            was = entry.typed(f"was_{key}") if entry.has(f"was_{key}") else present
            if value is None or value in (was, present):
                continue
            if was != present:
                raise Conflict(N_("您打开这一页之后，别人已经修改并保存。请刷新页面，核对后再改。"))
            changed += 1
            if key in rows:
                rows[key].value = value
            else:
                current.add(Setting(id=new_id(), key=key, value=value))
        entry.check()
    setting.forget()
    return changed


def save_type(user: User, raw: Mapping[str, Any], type_id: UUID | None = None) -> QualificationType:
    """Change a qualification type or enter a new one: hours of each kind of training, and the pass mark (R36, R50).

    Classes published before keep the hours and the mark they were published with. One that is not active any more can
    be chosen for no new person and no new class. Raises InvalidInput at the field.
    """
    with transaction(Operation("save_qualification_type", user.id)) as current:
        if not may(Role(user.role), Action.CHANGE_SETTINGS):
            raise NotAllowed
        row = _type(type_id) if type_id else QualificationType(id=new_id(), version=1)
        check_version(row.version, raw)
        entry = FormReader(raw)
        if type_id is None:
            row.code = entry.typed("code")
            if not CODE.fullmatch(row.code):
                entry.refuse("code", N_("代码由 2 至 20 个大写字母、数字或下划线组成，以字母开头。"))
        row.name = entry.text("name", 60, required=True) or ""
        found = {name: entry.integer(name, MIN_HOURS, MAX_HOURS) for name in HOURS}
        mark = entry.parse(parse_pass_mark, entry.typed("pass_mark"))
        entry.check()
        for name, hours in found.items():
            setattr(row, name, hours)
        row.pass_mark, row.active = mark or 0, entry.is_ticked("active")
        current.add(row)
        _flush()
    return row


def _type(type_id: UUID) -> QualificationType:
    row = (
        session()
        .scalars(select(QualificationType).where(QualificationType.id == type_id).with_for_update())
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return row


def _flush() -> None:
    try:
        session().flush()
    except IntegrityError as error:
        if "qualification_type_code" in str(error.orig):
            raise InvalidInput({"code": N_("这个代码已有，请换一个。")}) from error
        raise
