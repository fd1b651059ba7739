"""One class of the full demonstration: drafted, published, closed, carried by its enrolments to its end, or cancelled."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from service.demo.full.courses import Act, Course
from service.demo.full.enrolling import CANCELLED
from service.demo.full.plan import Class, Story, instant, timeline
from service.demo.full.served import HOURS, PASS_MARK
from service.demo.full.sheets import Row, Sheets
from service.demo.full.world import World
from service.domain.accounts.roles import Role
from service.domain.notices.notices import words
from service.domain.training.class_progress import is_closed, progress
from service.domain.training.classes import CLASS_MOVES, ClassState
from service.domain.training.enrollment_state import EnrollmentState, takes_seat
from service.domain.training.training_kind import TrainingKind
from service.domain.values.calendar import DAY, civil_date, start_of_day
from service.domain.values.state_machine import check_move
from service.engine import Request
from service.errors import Message
from service.handlers.training_class import invitation
from service.models.db.transaction import Operation
from service.models.tables.notice import Notice
from service.models.tables.training import TrainingClass
from service.operations.context import TaskSubject

PROCESS = "training_class"
AUDIENCE = [Role.PROVINCIAL_AUTHORITY, Role.GROUP, Role.ENTERPRISE, Role.TRAINING_INSTITUTION]


class Holding:
    """Runs the case of a class with what its enrolments did."""

    def __init__(self, sheets: Sheets, world: World, planned: Class, stories: list[Story]) -> None:
        self._sheets, self._world, self._class, self._stories = sheets, world, planned, stories
        self._begins = instant(planned.enrol_from - DAY, sheets.random)
        self._course = Course(sheets, world.definitions[PROCESS], self._begins, None)
        self._row: Row | None = None
        self._counts: Counter[EnrollmentState] = Counter()
        self._act: Act | None = None
        self._cause = Operation("start training_class")

    def run(self) -> None:
        """All inputs until now, in order."""
        organiser, by = self._class.organiser, self._by
        role = "association" if organiser == "association" else "provincial_authority"
        start = {"organiser_id": str(self._world.authority(organiser)), "organiser_role": role}
        self._move(Act("start", self._begins, by, data=start), "begin_class")
        self._move(
            Act(
                "complete", instant(self._class.enrol_from, self._sheets.random, 8, 8), by, "draft_class", self._typed()
            ),
            "complete",
        )
        for at, what in sorted([*self._changes(), *self._dates()], key=lambda row: row[0]):
            if isinstance(what, tuple):
                self._count(*what)
            elif at <= self._world.now and not self._course.is_over:
                self._happen(at, what)
        self._close()

    @property
    def _by(self) -> Any:
        return self._world.office(self._class.organiser)

    @property
    def _drawn(self) -> Row:
        assert self._row is not None
        return self._row

    def _changes(self) -> list[tuple[datetime, Any]]:
        """The moves of enrolments, and once a day the message that says so (equal ones are delivered as one)."""
        moves: list[tuple[datetime, Any]] = []
        for story in self._stories:
            before = None
            for happening in timeline(story):
                if happening.state != before and happening.at <= self._world.now:
                    moves.append((happening.at, (before, happening.state)))
                before = happening.state
        last = {civil_date(at): at for at, _ in sorted(moves, key=lambda move: move[0])}
        return moves + [(at + timedelta(seconds=1), "enrollment_changed") for at in last.values()]

    def _dates(self) -> list[tuple[datetime, Any]]:
        """What the calendar brings."""
        planned = self._class
        if planned.cancelled_at is not None:
            closed = start_of_day(planned.enrol_until + DAY)
            early = [(closed + timedelta(seconds=1), "enrolment_gateway")] if closed < planned.cancelled_at else []
            return [*early, (planned.cancelled_at, "cancel_class")]
        return [
            (start_of_day(planned.enrol_until + DAY) + timedelta(seconds=1), "enrolment_gateway"),
            (start_of_day(planned.starts_on) + timedelta(seconds=1), "class_began"),
            (instant(planned.starts_on + DAY, self._sheets.random, 10, 10), "close_check_in"),
        ]

    def _count(self, before: str | None, after: str) -> None:
        """An enrolment has moved."""
        self._counts[EnrollmentState(after)] += 1
        if before is not None:
            self._counts[EnrollmentState(before)] -= 1

    def _happen(self, at: datetime, what: str) -> None:
        if what in ("enrolment_gateway", "class_began"):
            self._move(Act("timer", at, element=f"holding/{what}"), f"timer holding/{what}")
        elif what == "close_check_in":
            typed = self._world.forms[PROCESS].clean("close_check_in", {"sure": "true"})
            self._move(
                Act("complete", at, self._world.office("association"), "holding/close_check_in", typed), "complete"
            )
        elif what == "cancel_class":
            self._move(Act("message", at, self._by, what, {"reason": CANCELLED}), "cancel_class")
        elif self._course.waits_for(what):
            self._move(Act("message", at, element=what, data={}), f"message {what}")

    def _move(self, act: Act, use_case: str) -> None:
        self._act, self._cause = act, self._course.cause(use_case, act)
        self._course.move(act, self._answer, self._description)

    def _answer(self, request: Request) -> dict[str, Any]:
        assert self._act is not None
        name, at, planned = request.topic.removeprefix("training_class."), self._act.at, self._class
        if name == "save_draft":
            return self._draft(request.data)
        if name == "publish":
            self._to(ClassState.ENROLLING)
            self._notify(at, Message("开班通知：%(title)s", title=planned.title), invitation(self._shown()))
        elif name == "close_enrolment" and self._drawn["state"] == ClassState.ENROLLING:
            self._to(ClassState.ENROLMENT_CLOSED)
        elif name == "cancel_class":
            self._to(ClassState.CANCELLED, cancel_reason=CANCELLED)
            told = Message(
                "%(title)s（%(code)s）取消。原因：%(reason)s", title=planned.title, code=planned.code, reason=CANCELLED
            )
            self._notify(at, Message("停办通知：%(title)s", title=planned.title), [told])
        elif name == "complete":
            self._to(ClassState.COMPLETED)
        elif name == "update_progress":
            state = progress(ClassState(self._drawn["state"]), self._counts)
            self._drawn.change(at, self._cause, state=state)
            return {"all_closed": state != ClassState.ENROLLING and is_closed(self._counts)}
        return {}

    def _draft(self, data: dict[str, Any]) -> dict[str, Any]:
        assert self._act is not None
        planned, institution = self._class, self._world.institutions[self._class.institution][0]
        self._row = Row(
            self._sheets,
            TrainingClass,
            self._act.at,
            self._cause,
            id=planned.id,
            code=planned.code,
            title=planned.title,
            kind=planned.kind,
            organiser_id=self._world.authority(planned.organiser),
            institution_id=institution,
            place=planned.place,
            enrol_from=planned.enrol_from,
            enrol_until=planned.enrol_until,
            starts_on=planned.starts_on,
            ends_on=planned.ends_on,
            hours=HOURS[planned.kind],
            capacity=planned.capacity,
            qualification_types=sorted(self._world.types),
            pass_mark=PASS_MARK,
            makeup_allowed=True,
            open_to_other_provinces=True,
            contact=data["contact"],
            state="draft",
            case_id=self._course.id,
        )
        return {
            "class_id": str(planned.id),
            "enrol_ends_at": start_of_day(planned.enrol_until + DAY).isoformat(),
            "starts_at": start_of_day(planned.starts_on).isoformat(),
            "check_in_by": f"{planned.ends_on}T18:00:00",
        }

    def _to(self, state: ClassState, **values: Any) -> None:
        assert self._act is not None
        check_move(CLASS_MOVES, ClassState(self._drawn["state"]), state)
        self._drawn.change(self._act.at, self._cause, state=state, **values)

    def _typed(self) -> dict[str, Any]:
        planned = self._class
        raw = {
            "title": planned.title,
            "kind": planned.kind,
            "institution_id": str(self._world.institutions[planned.institution][0]),
            "place": planned.place,
            "enrol_from": str(planned.enrol_from),
            "enrol_until": str(planned.enrol_until),
            "starts_on": str(planned.starts_on),
            "ends_on": str(planned.ends_on),
            "hours": str(HOURS[planned.kind]),
            "capacity": str(planned.capacity),
            "qualification_types": sorted(self._world.types),
            "pass_mark": "60",
            "makeup_allowed": "true",
            "open_to_other_provinces": "true",
            "contact": "张老师 010-8888 0000",
            "decision": "publish",
        }
        return self._world.forms[PROCESS].clean("draft_class", raw)

    def _description(self, data: dict[str, Any]) -> TaskSubject:
        planned, (institution, _, name) = self._class, self._world.institutions[self._class.institution]
        organiser = self._world.authority(planned.organiser)
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
        """The class with its institution, as the text of its notice asks for it."""
        name = self._world.institutions[self._class.institution][2]
        return SimpleNamespace(**self._drawn.values, body=None, institution=SimpleNamespace(name=name))

    def _notify(self, at: datetime, title: Message, body: list[Message | str]) -> None:
        Row(
            self._sheets,
            Notice,
            at,
            self._cause,
            kind="notice",
            title=str(title)[:200],
            body="\n".join(map(str, body)),
            facts=words(title, body),
            author_id=self._world.authority(self._class.organiser),
            authorities=[],
            roles=AUDIENCE,
            class_id=self._class.id,
            state="published",
            published_at=at,
        ).close()

    def _close(self) -> None:
        self._drawn.values["taken"] = self._taken  # seats are taken by guarded updates, which the history leaves out
        self._drawn.close()
        self._course.close()
