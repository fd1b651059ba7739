"""One enrolment of the full demonstration: each happening is an input to its case. What handlers answer: served.py."""

from __future__ import annotations

from random import Random
from typing import Any

from service.demo.full.courses import Act, Course
from service.demo.full.lives import Life
from service.demo.full.plan import Class, Happening, Story
from service.demo.full.served import Served
from service.engine import Request

PROCESS = "training_enrollment"
REFUSED = "本月已安排其参加省内检查，请报下一期。"
RETURNED = "与签到表不符，请核对后重新录入。"
UNLIKE = "照片与本人不符，请核对。"
VOID = "经核对不是本人参加培训。"
CANCELLED = "承办场地检修，改期举办。"
LATE = "因生产任务调整，本期不能参加。"
MESSAGES = {"withdraw": "withdraw", "cancel": "class_cancelled", "no_show": "no_show"}
TIMERS = {"warn": "lapse_near", "lapse": "confirmation_lapsed"}
TASKS = {
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
TYPED: dict[str, dict[str, str]] = {
    "confirm": {"decision": "confirm"},
    "reject": {"decision": "reject", "reason": REFUSED},
    "settle": {"decision": "confirm"},
    "return": {"decision": "return", "reason": RETURNED},
    "approve": {"decision": "approve"},
    "refuse": {"decision": "refuse", "reason": UNLIKE},
    "void": {"decision": "void", "reason": VOID},
    "resubmit": {"decision": "resubmit"},
}


class Enrolling:
    """Runs the case of one enrolment as far as it has come."""

    def __init__(self, life: Life, story: Story) -> None:
        self._life, self._story, self._world = life, story, life.world
        self._random = Random(story.seed + 1)  # noqa: S311 - invented data
        self._course = Course(life.sheets, self._world.definitions[PROCESS], story.at, str(life.person.id))
        self._served = Served(life, story.training_class, story.serial)
        self._failures = {"made_up": 1, "failed": 2}.get(story.path, 0)

    def run(self, told: list[Happening]) -> None:
        """Every happening until now is an input."""
        for happening in told:
            if happening.at > self._world.now:
                break
            self._move(happening)
        self._course.close()

    def _move(self, happening: Happening) -> None:
        act, use_case = self._act(happening)
        served = self._served.at(act, self._course.cause(use_case, act))

        def serve(request: Request) -> dict[str, Any]:
            return served.answer(request)

        self._course.move(act, serve, served.describe)

    def _act(self, happening: Happening) -> tuple[Act, str]:
        what, at = happening.what, happening.at
        if what == "enrol":
            return self._enrol(happening), "enroll"
        if what in TIMERS:
            return Act("timer", at, element=TIMERS[what]), f"timer {TIMERS[what]}"
        if what in MESSAGES:
            by = self._life.unit.user_id if what == "withdraw" else None
            data = {"withdraw": {"reason": LATE, "by": str(by)}, "cancel": {"reason": CANCELLED}, "no_show": {}}[what]
            use_case = what if what == "withdraw" else f"message {MESSAGES[what]}"
            return Act("message", at, by, MESSAGES[what], data), use_case
        form = TASKS[what].rpartition("/")[2]
        data = self._world.forms[PROCESS].clean(form, self._score() if what == "record" else TYPED.get(what, {}))
        return Act("complete", at, self._actor(what), TASKS[what], data), "complete"

    def _enrol(self, happening: Happening) -> Act:
        """By the unit itself, its group, its province on behalf, or the association for academies (R41, R44)."""
        unit, chance = self._life.unit, self._random.random()
        by, via = unit.user_id, "group" if unit.kind == "group" else "enterprise"
        if unit.is_academy:
            by, via = self._world.office("association"), "association"
        elif unit.group_user_id is not None and chance < 0.4:
            by, via = unit.group_user_id, "group"
        elif chance > 0.97:
            by, via = self._world.office(unit.code), "province"
        data = {
            "class_id": str(self._class.id),
            "person_id": str(self._life.person.id),
            "via": via,
            "on_behalf": via == "province",
        }
        return Act("start", happening.at, by, data=data)

    @property
    def _class(self) -> Class:
        return self._story.training_class

    def _actor(self, what: str) -> Any:
        if what in ("confirm", "reject"):
            return self._world.office(self._life.unit.code)
        if what == "record":
            return self._world.institutions[self._class.institution][1]
        return self._world.offices["ministry"] if what in ("approve", "refuse") else self._world.office("association")

    def _score(self) -> dict[str, str]:
        """What the institution types: below the mark as often as the path says."""
        if self._failures:
            self._failures -= 1
            return (
                {"absent": "true"}
                if self._random.random() < 0.1
                else {"score": f"{self._random.randint(840, 1190) / 20:.1f}"}
            )
        return {"score": f"{self._random.randint(120, 197) / 2:.1f}"}
