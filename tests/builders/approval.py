"""Tests in which a change of a process needs a second person, as an installation has it."""

from __future__ import annotations

from sqlalchemy import select

from service.models.db.ids import new_id
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.system import setting
from service.models.tables.system.setting import Setting
from service.models.tables.units.organisation import authority_id
from service.workflow.versions import drafts
from tests.builders.stage import known
from tests.builders.world import make_user


def require_approval(wanted: bool = True) -> None:
    with transaction(Operation("test")) as current:
        row = current.scalars(select(Setting).where(Setting.key == "two_person_deploy")).first()
        if row is None:
            current.add(row := Setting(id=new_id(), key="two_person_deploy"))
        row.value = str(int(wanted))
    setting.forget()


def propose_change(key: str = "support_ticket", old: str = "登记工单", new: str = "记下工单") -> User:
    """A change of a process that waits for a second person, where others need none; returns who has to decide it."""
    approver, proposer = (known(make_user("process_admin", authority_id("platform"))) for _ in range(2))
    files = drafts.open_draft(key).files
    drafts.save(proposer, key, files | {f"{key}.bpmn": files[f"{key}.bpmn"].replace(old, new)}, 0)
    require_approval()
    assert drafts.propose(proposer, key, 1, "改一个名称").change
    require_approval(wanted=False)
    return approver
