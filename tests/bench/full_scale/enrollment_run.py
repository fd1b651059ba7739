"""Case of training_enrollment: each planned event is an input; handlers_in_memory answers its service tasks."""

from __future__ import annotations

from random import Random
from typing import Any

from service.engine import Request
from tests.bench.full_scale.case_run import CaseInput, CaseRun
from tests.bench.full_scale.handlers_in_memory import InMemoryHandlers
from tests.bench.full_scale.person_history import PersonHistory
from tests.bench.full_scale.plan import ClassPlan, EnrollmentPlan, PlannedEvent

PROCESS = "training_enrollment"
REFUSED = "本月已安排其参加省内检查，请报下一期。"
RETURNED = "与签到表不符，请核对后重新录入。"
UNLIKE = "照片与本人不符，请核对。"
VOID = "经核对不是本人参加培训。"
CANCELLED = "承办场地检修，改期举办。"
LATE = "因生产任务调整，本期不能参加。"
MESSAGES = {"withdraw": "withdraw", "cancel": "class_cancelled", "no_show": "no_show"}
TIMERS = {"warn": "lapse_near", "lapse": "confirmation_lapsed"}
TASK_ELEMENTS = {
    "confirm": "confirm_enrollment",
    "reject": "confirm_enrollment",
    "check_in": "check_in",
    "record": "record_score",
    "settle": "confirm_score",
    "return": "confirm_score",
    "print": "certification/print_certificate",
    "approve": "certification/approve_certificate",
    "refuse": "certification/approve_certificate",
    "void": "correct_certificate",
    "resubmit": "correct_certificate",
}
TYPED_FORMS: dict[str, dict[str, str]] = {
    "confirm": {"decision": "confirm"},
    "reject": {"decision": "reject", "reason": REFUSED},
    "settle": {"decision": "confirm"},
    "return": {"decision": "return", "reason": RETURNED},
    "approve": {"decision": "approve"},
    "refuse": {"decision": "refuse", "reason": UNLIKE},
    "void": {"decision": "void", "reason": VOID},
    "resubmit": {"decision": "resubmit"},
}


class EnrollmentRun:
    """Runs the case of one enrolment, as far as it has happened."""

    def __init__(self, history: PersonHistory, enrollment_plan: EnrollmentPlan) -> None:
        self._history, self._plan, self._shared = history, enrollment_plan, history.shared
        self._random = Random(enrollment_plan.seed + 1)
        self._case = CaseRun(
            history.buffer, self._shared.definitions[PROCESS], enrollment_plan.at, str(history.person.id)
        )
        self._served = InMemoryHandlers(history, enrollment_plan.training_class, enrollment_plan.serial)
        self._failures = {"made_up": 1, "failed": 2}.get(enrollment_plan.path, 0)

    def run(self, events: list[PlannedEvent]) -> None:
        """Apply the events until now."""
        for event in events:
            if event.at > self._shared.now:
                break
            self._move(event)
        self._case.close()

    def _move(self, event: PlannedEvent) -> None:
        given, use_case = self._act(event)
        served = self._served.at(given, self._case.cause(use_case, given))

        def serve(request: Request) -> dict[str, Any]:
            return served.answer(request)

        self._case.move(given, serve, served.describe)

    def _act(self, event: PlannedEvent) -> tuple[CaseInput, str]:
        name, at = event.name, event.at
        if name == "enrol":
            return self._enrol(event), "enroll"
        if name in TIMERS:
            return CaseInput("timer", at, element=TIMERS[name]), f"timer {TIMERS[name]}"
        if name in MESSAGES:
            by = self._history.unit.user_id if name == "withdraw" else None
            data = {"by": str(by), "reason": None} if name == "withdraw" else {}
            why = {"withdraw": {"reason": LATE}, "cancel": {"reason": CANCELLED}, "no_show": {}}[name]
            use_case = name if name == "withdraw" else f"message {MESSAGES[name]}"
            return CaseInput("message", at, by, MESSAGES[name], data, why), use_case
        form = TASK_ELEMENTS[name].rpartition("/")[2]
        raw = self._score() if name == "record" else TYPED_FORMS.get(name, {})
        typed = self._shared.forms[PROCESS].clean(form, raw)
        return CaseInput("complete", at, self._actor(name), TASK_ELEMENTS[name], **typed), "complete"

    def _enrol(self, event: PlannedEvent) -> CaseInput:
        """Enrol by the unit, its group, its province on behalf, or the association for academies (R41, R44)."""
        unit, chance = self._history.unit, self._random.random()
        by, via = unit.user_id, "group" if unit.kind == "group" else "enterprise"
        if unit.is_academy:
            by, via = self._shared.office("association"), "association"
        elif unit.group_user_id is not None and chance < 0.4:
            by, via = unit.group_user_id, "group"
        elif chance > 0.97:
            by, via = self._shared.office(unit.code), "province"
        data = {
            "class_id": str(self._class.id),
            "person_id": str(self._history.person.id),
            "via": via,
            "on_behalf": via == "province",
        }
        return CaseInput("start", event.at, by, data=data)

    @property
    def _class(self) -> ClassPlan:
        return self._plan.training_class

    def _actor(self, name: str) -> Any:
        if name in ("confirm", "reject"):
            return self._shared.office(self._history.unit.code)
        if name == "record":
            return self._shared.institutions[self._class.institution][1]
        return self._shared.offices["ministry"] if name in ("approve", "refuse") else self._shared.office("association")

    def _score(self) -> dict[str, str]:
        """Enter a score, below the pass mark as often as the path has failures."""
        if self._failures:
            self._failures -= 1
            return (
                {"absent": "true"}
                if self._random.random() < 0.1
                else {"score": f"{self._random.randint(840, 1190) / 20:.1f}"}
            )
        return {"score": f"{self._random.randint(120, 197) / 2:.1f}"}
