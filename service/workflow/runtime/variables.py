"""The data of a case as machines read it: from its journal, in the scope of whoever asks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from service.engine import replay
from service.errors import NotFound
from service.models.db.session import session
from service.models.queries.scope import get_or_404_in_scope
from service.models.tables.case import Case, JournalRow, Task, TaskState
from service.models.tables.user import User
from service.operations.personal_values import with_texts
from service.workflow.runtime import definitions


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
    return with_texts(_last(case_id))


def _last(case_id: UUID) -> dict[str, Any]:
    records = session().scalars(select(JournalRow.record).where(JournalRow.case_id == case_id).order_by(JournalRow.seq))
    return replay.replay_frames(list(records), definitions.definition)[-1].data
