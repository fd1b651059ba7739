"""Incidents tried again, many at once: each by itself, with a preview that tries its job and undoes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from service.domain.values.validators import parse_reason
from service.engine import Step, StepError
from service.errors import N_, Message
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.scope import get_or_404_in_scope
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case, Incident, Job, JobState
from service.workflow.row_refusal import refusal_of
from service.workflow.runtime import executor, jobs, mends
from service.workflow.runtime.mends import Outcome

MAX_INCIDENTS = 200  # that are tried again at once


@dataclass(frozen=True, slots=True)
class RetryResult:
    """The fate of an incident tried again. outcome: of a try of its job; is_refused: it stays as it is."""

    incident_id: UUID
    note: Message
    outcome: Outcome | None = None
    is_refused: bool = False


class _Rehearsed(Exception):
    """Undoes what was only tried."""


def preview_many(user: User, incident_ids: Iterable[UUID]) -> list[RetryResult]:
    """Tell what trying each again would make of its case; nothing is changed. Raises NotAllowed."""
    mends.must_mend(user)
    return [_told(one, lambda one=one: _preview(user, one)) for one in incident_ids]  # type: ignore[misc]


def retry_many(user: User, incident_ids: Iterable[UUID], reason: str) -> list[RetryResult]:
    """Try each again, one use case each: a refused one does not keep the others.

    Raises NotAllowed, and InvalidInput without a reason.
    """
    mends.must_mend(user)
    parse_reason(reason)

    def retry(incident_id: UUID) -> RetryResult:
        retried = mends.resolve_incident(user, incident_id, reason)
        text = N_("已重新安排。") if retried else N_("已标为已处理，没有代办：请办理人重新提交。")
        return RetryResult(incident_id, Message(text))

    return [_told(one, lambda one=one: retry(one)) for one in incident_ids]  # type: ignore[misc]


def _told(incident_id: UUID, act: Callable[[], RetryResult]) -> RetryResult:
    try:
        return act()
    except StepError as failed:
        return RetryResult(incident_id, Message(N_("再试仍会出错：%(why)s"), why=str(failed)), is_refused=True)
    except Exception as error:
        return RetryResult(incident_id, refusal_of(error, "retry_many").first, is_refused=True)


def _preview(user: User, incident_id: UUID) -> RetryResult:
    incident = session().get(Incident, incident_id)
    if incident is None or incident.resolved_at is not None:
        return RetryResult(incident_id, Message(N_("这个故障已经处理过了。")), is_refused=True)
    get_or_404_in_scope(user, Case, incident.case_id)
    job = session().get(Job, incident.job_id) if incident.job_id else None
    if job is None or job.state != JobState.FAILED:
        return RetryResult(incident_id, Message(N_("只标为已处理：出错的是办理人的提交，不能代办。")))
    if job.kind == "effect":
        return RetryResult(incident_id, Message(N_("重新安排；对外的动作不预先试做。")))
    steps: list[Step] = []
    case_id = incident.case_id
    with suppress(_Rehearsed), transaction(Operation("preview retry", user.id)):
        steps.append(executor.apply_input(executor.lock_case(case_id), jobs.act_of(job)))
        raise _Rehearsed
    return RetryResult(incident_id, Message(N_("再试会成功。")), mends.outcome_of(case_id, steps[0]))
