"""Case of training_class: drafted, published, closed, moved by its enrolments to its end, or cancelled."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from service.domain.accounts.roles import Role
from service.domain.notices.notices import words
from service.domain.training.class_progress import is_closed, progress
from service.domain.training.classes import ClassState
from service.domain.training.enrollment_state import EnrollmentState, takes_seat
from service.domain.training.training_kind import TrainingKind
from service.domain.values.calendar import DAY, civil_date, start_of_day
from service.engine import Request
from service.errors import Message
from service.handlers.training_class import invitation_lines
from service.models.db.transaction import Operation
from service.models.tables.notices.notice import Notice
from service.models.tables.training.training import TrainingClass
from service.operations.context import TaskSubject
from tests.bench.full_scale.bulk_copy import AuditedRow, CopyBuffer
from tests.bench.full_scale.case_run import CaseInput, CaseRun
from tests.bench.full_scale.enrollment_run import CANCELLED
from tests.bench.full_scale.handlers_in_memory import HOURS, PASS_MARK
from tests.bench.full_scale.plan import ClassPlan, EnrollmentPlan, enrollment_events, working_instant
from tests.bench.full_scale.shared_data import SharedData

PROCESS = "training_class"
AUDIENCE = [Role.PROVINCIAL_AUTHORITY, Role.GROUP, Role.ENTERPRISE, Role.TRAINING_INSTITUTION]


class ClassRun:
    """Runs the case of a class beside the events of its enrolments."""

    def __init__(
        self, buffer: CopyBuffer, shared: SharedData, planned: ClassPlan, enrolled: list[EnrollmentPlan]
    ) -> None:
        self._buffer, self._shared, self._class, self._enrolled = buffer, shared, planned, enrolled
        self._begins = working_instant(planned.enrol_from - DAY, buffer.random)
        self._case = CaseRun(buffer, shared.definitions[PROCESS], self._begins, None)
        self._row: AuditedRow | None = None
        self._counts: Counter[EnrollmentState] = Counter()
        self._input: CaseInput | None = None
        self._cause = Operation("start training_class")

    def run(self) -> None:
        """Apply all inputs until now, in order."""
        organiser, by = self._class.organiser, self._by
        role = "association" if organiser == "association" else "provincial_authority"
        start = {"organiser_id": str(self._shared.authority(organiser)), "organiser_role": role}
        self._move(CaseInput("start", self._begins, by, data=start), "begin_class")
        self._move(
            CaseInput(
                "complete",
                working_instant(self._class.enrol_from, self._buffer.random, 8, 8),
                by,
                "draft_class",
                **self._typed(),
            ),
            "complete",
        )
        for at, name in sorted([*self._changes(), *self._dates()], key=lambda row: row[0]):
            if isinstance(name, tuple):
                self._count(*name)
            elif at <= self._shared.now and not self._case.is_over:
                self._run_event(at, name)
        self._close()

    @property
    def _by(self) -> Any:
        return self._shared.office(self._class.organiser)

    @property
    def _class_row(self) -> AuditedRow:
        assert self._row is not None
        return self._row

    def _changes(self) -> list[tuple[datetime, Any]]:
        """List the moves of enrolments, and once a day the message about them (equal ones are delivered as one)."""
        moves: list[tuple[datetime, Any]] = []
        for enrollment_plan in self._enrolled:
            before = None
            for event in enrollment_events(enrollment_plan):
                if event.state != before and event.at <= self._shared.now:
                    moves.append((event.at, (before, event.state)))
                before = event.state
        last = {civil_date(at): at for at, _ in sorted(moves, key=lambda move: move[0])}
        return moves + [(at + timedelta(seconds=1), "enrollment_changed") for at in last.values()]

    def _dates(self) -> list[tuple[datetime, Any]]:
        """List the inputs that follow from the dates of the class."""
        planned = self._class
        if planned.cancelled_at is not None:
            closed = start_of_day(planned.enrol_until + DAY)
            early = [(closed + timedelta(seconds=1), "enrolment_gateway")] if closed < planned.cancelled_at else []
            return [*early, (planned.cancelled_at, "cancel_class")]
        return [
            (start_of_day(planned.enrol_until + DAY) + timedelta(seconds=1), "enrolment_gateway"),
            (start_of_day(planned.starts_on) + timedelta(seconds=1), "class_began"),
            (working_instant(planned.starts_on + DAY, self._buffer.random, 10, 10), "close_check_in"),
        ]

    def _count(self, before: str | None, after: str) -> None:
        """Count an enrolment in its new state."""
        self._counts[EnrollmentState(after)] += 1
        if before is not None:
            self._counts[EnrollmentState(before)] -= 1

    def _run_event(self, at: datetime, name: str) -> None:
        if name in ("enrolment_gateway", "class_began"):
            self._move(CaseInput("timer", at, element=f"holding/{name}"), f"timer holding/{name}")
        elif name == "close_check_in":
            typed = self._shared.forms[PROCESS].clean("close_check_in", {"sure": "true"})
            self._move(
                CaseInput("complete", at, self._shared.office("association"), "holding/close_check_in", **typed),
                "complete",
            )
        elif name == "cancel_class":
            self._move(CaseInput("message", at, self._by, name, personal={"reason": CANCELLED}), "cancel_class")
        elif self._case.waits_for(name):
            self._move(CaseInput("message", at, element=name, data={}), f"message {name}")

    def _move(self, given: CaseInput, use_case: str) -> None:
        self._input, self._cause = given, self._case.cause(use_case, given)
        self._case.move(given, self._answer, self._description)

    def _answer(self, request: Request) -> dict[str, Any]:
        assert self._input is not None
        name, at, planned = request.topic.removeprefix("training_class."), self._input.at, self._class
        if name == "save_draft":
            return self._draft(request.data)
        if name == "publish":
            self._to(ClassState.ENROLLING)
            self._notify(at, Message("开班通知：%(title)s", title=planned.title), invitation_lines(self._shown()))
        elif name == "close_enrolment":
            return {"class_state": self._follow(at, enrolment_closed=True)}
        elif name == "cancel_class":
            self._to(ClassState.CANCELLED, cancel_reason=CANCELLED)
            events = Message(
                "%(title)s（%(code)s）取消。原因：%(reason)s", title=planned.title, code=planned.code, reason=CANCELLED
            )
            self._notify(at, Message("停办通知：%(title)s", title=planned.title), [events])
        elif name == "complete":
            self._to(ClassState.COMPLETED)
        elif name == "update_progress":
            state = self._follow(at)
            return {
                "all_closed": self._class_row["enrolment_closed"] and is_closed(self._counts),
                "class_state": state,
            }
        return {}

    def _follow(self, at: datetime, enrolment_closed: bool | None = None) -> str:
        """Write the state that follows from the enrolments, and whether the enrolment is closed."""
        is_closed_now = self._class_row["enrolment_closed"] if enrolment_closed is None else enrolment_closed
        state = progress(is_closed_now, self._counts)
        self._class_row.change(at, self._cause, state=state, enrolment_closed=is_closed_now)
        return state.value

    def _draft(self, data: dict[str, Any]) -> dict[str, Any]:
        assert self._input is not None
        planned, institution = self._class, self._shared.institutions[self._class.institution][0]
        self._row = AuditedRow(
            self._buffer,
            TrainingClass,
            self._input.at,
            self._cause,
            id=planned.id,
            code=planned.code,
            title=planned.title,
            kind=planned.kind,
            organiser_id=self._shared.authority(planned.organiser),
            institution_id=institution,
            place=planned.place,
            enrol_from=planned.enrol_from,
            enrol_until=planned.enrol_until,
            starts_on=planned.starts_on,
            ends_on=planned.ends_on,
            hours=HOURS[planned.kind],
            capacity=planned.capacity,
            qualification_types=sorted(self._shared.types),
            pass_mark=PASS_MARK,
            makeup_allowed=True,
            open_to_other_provinces=True,
            contact=self._input.personal["contact"],
            state="draft",
            enrolment_closed=False,
            case_id=self._case.id,
        )
        return {
            "class_id": str(planned.id),
            "enrol_ends_at": start_of_day(planned.enrol_until + DAY).isoformat(),
            "starts_at": start_of_day(planned.starts_on).isoformat(),
            "check_in_by": f"{planned.ends_on}T18:00:00",
        }

    def _to(self, state: ClassState, **values: Any) -> None:
        assert self._input is not None
        self._class_row.change(self._input.at, self._cause, state=state, **values)

    def _typed(self) -> dict[str, Any]:
        planned = self._class
        raw = {
            "title": planned.title,
            "kind": planned.kind,
            "institution_id": str(self._shared.institutions[planned.institution][0]),
            "place": planned.place,
            "enrol_from": str(planned.enrol_from),
            "enrol_until": str(planned.enrol_until),
            "starts_on": str(planned.starts_on),
            "ends_on": str(planned.ends_on),
            "hours": str(HOURS[planned.kind]),
            "capacity": str(planned.capacity),
            "qualification_types": sorted(self._shared.types),
            "pass_mark": "60",
            "makeup_allowed": "true",
            "open_to_other_provinces": "true",
            "contact": "张老师 010-8888 0000",
            "decision": "publish",
        }
        return self._shared.forms[PROCESS].clean("draft_class", raw)

    def _description(self, data: dict[str, Any]) -> TaskSubject:
        planned, (institution, _, name) = self._class, self._shared.institutions[self._class.institution]
        organiser = self._shared.authority(planned.organiser)
        if "class_id" not in data:
            return TaskSubject(summary=str(data.get("title") or ""), organiser_id=organiser)
        return TaskSubject(
            subject=planned.title,
            summary=f"{TrainingKind(planned.kind).label} · {planned.code}",
            unit_name=name,
            batch=str(planned.id),
            batch_title=planned.title,
            institution_id=institution,
            organiser_id=organiser,
            facts={
                "kind": planned.kind,
                "class_code": planned.code,
                "starts_on": planned.starts_on.isoformat(),
                "ends_on": planned.ends_on.isoformat(),
                "capacity": planned.capacity,
                "taken": self._taken,
            },
        )

    @property
    def _taken(self) -> int:
        return sum(n for state, n in self._counts.items() if takes_seat(state))

    def _shown(self) -> Any:
        """Return the class with its institution, as ``invitation_lines`` reads it."""
        name = self._shared.institutions[self._class.institution][2]
        return SimpleNamespace(**self._class_row.values, body=None, institution=SimpleNamespace(name=name))

    def _notify(self, at: datetime, title: Message, body: list[Message | str]) -> None:
        AuditedRow(
            self._buffer,
            Notice,
            at,
            self._cause,
            kind="notice",
            title=str(title)[:200],
            body="\n".join(map(str, body)),
            facts=words(title, body),
            author_id=self._shared.authority(self._class.organiser),
            authorities=[],
            roles=AUDIENCE,
            class_id=self._class.id,
            state="published",
            published_at=at,
        ).close()

    def _close(self) -> None:
        self._class_row.values["taken"] = (
            self._taken
        )  # seats are taken by guarded updates, which the history leaves out
        self._class_row.close()
        self._case.close()
