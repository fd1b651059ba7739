"""Tests in which a change of a process needs a second person, as an installation has it."""

from __future__ import annotations

from service.models.db.ids import new_id
from service.models.db.transaction import Operation, transaction
from service.models.tables import setting
from service.models.tables.setting import Setting


def require_approval() -> None:
    with transaction(Operation("test")) as current:
        current.add(Setting(id=new_id(), key="two_person_deploy", value="1"))
    setting.forget()
