"""The data of a case as machines read it: from its journal, in the scope of whoever asks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import and_, select

from service.engine import replay
from service.errors import NotFound
from service.models.db.session import session
from service.models.queries.scope import get_or_404_in_scope
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case, JournalRow, PersonalValue, Task, TaskState
from service.operations.personal_values import all_with_texts
from service.workflow.processes import definitions


def of_case(user: User, case_id: UUID) -> dict[str, Any]:
    """The variables of a case in scope, merged over its open tokens; of personal texts the references.

    Raises NotFound.
    """
    get_or_404_in_scope(user, Case, case_id)
    return _last(case_id)


def of_task(user: User, task_id: UUID) -> dict[str, Any]:
    """The variables of the case of a task in scope, on which the task is decided, personal texts among them.

    Raises NotFound, of a task that is done too: what others have written since is not for whoever did it.
    """
    task = get_or_404_in_scope(user, Task, task_id)
    if task.state != TaskState.OPEN:
        raise NotFound
    return present(task.case_id)


def present(case_id: UUID) -> dict[str, Any]:
    """The variables of a case that the caller was allowed to move, personal texts among them;
    whoever only reads asks ``of_case`` or ``of_task``.
    """
    typed = and_(PersonalValue.case_id == JournalRow.case_id, PersonalValue.seq == JournalRow.seq)
    query = (
        select(JournalRow.seq, JournalRow.record, PersonalValue.id, PersonalValue.value)
        .outerjoin(PersonalValue, typed)
        .where(JournalRow.case_id == case_id)
        .order_by(JournalRow.seq)
    )
    rows = session().execute(query).all()
    records = {seq: record for seq, record, _key, _text in rows}
    texts = {str(key): said for *_, key, said in rows if key is not None}
    [opened] = all_with_texts([_data_after([*records.values()])], texts)
    return opened


def _last(case_id: UUID) -> dict[str, Any]:
    records = session().scalars(select(JournalRow.record).where(JournalRow.case_id == case_id).order_by(JournalRow.seq))
    return _data_after(list(records))


def _data_after(records: list[dict[str, Any]]) -> dict[str, Any]:
    return replay.replay_frames(records, definitions.definition)[-1].data
