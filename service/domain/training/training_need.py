"""The training a person needs: the facts, and the sentence. The decision is the table processes/training_need.dmn."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from service.domain.certificates.certificates import Certificate, current, is_expired
from service.domain.training.enrollment_state import LIVE_STATES, EnrollmentState
from service.domain.training.training_kind import TrainingKind
from service.domain.values.labelled_enum import Labelled
from service.errors import N_, Message

Facts = dict[str, Any]


class Need(Labelled):
    """The outputs of the table; ``UNDECIDED`` stands where the table in force gives none that is known."""

    INITIAL = "initial", N_("应取证")
    RENEWAL = "renewal", N_("应换证")
    REFRESHER = "refresher", N_("应再培训")
    NONE = "none", N_("本年无需培训")
    IN_PROGRESS = "in_progress", N_("换证办理中")  # expired, but enrolled in time (R25)
    EXPIRED = "expired", N_("已过期，待注销")  # no class until the ministry deregisters (R24)

    UNDECIDED = "undecided", N_("暂不能判定")

    @classmethod
    def of(cls, value: object) -> Need:
        """Read an output of the table, whatever an administrator has written there."""
        return next((need for need in OUTPUTS if need.value == value), cls.UNDECIDED)

    @property
    def kind(self) -> TrainingKind | None:
        """The kind of class that answers this need; None when no class may be joined (R31)."""
        return next((kind for kind in TrainingKind if kind.value == self.value), None)


OUTPUTS = tuple(need for need in Need if need is not Need.UNDECIDED)


@dataclass(frozen=True, slots=True)
class EnrollmentFact:
    """One enrolment of the person, as far as R25 asks."""

    kind: TrainingKind
    enrolled_on: date
    state: EnrollmentState


def reference_date(today: date) -> date:
    """标准点: 1 March of the year after today's (R22, S70)."""
    return date(today.year + 1, 3, 1)


def is_renewal_under_way(valid_to: date, enrollments: Iterable[EnrollmentFact]) -> bool:
    """Tell whether a renewal enrolled on or before the last valid day is live or passed (R25)."""
    return any(
        e.kind is TrainingKind.RENEWAL and e.enrolled_on <= valid_to and e.state in LIVE_STATES for e in enrollments
    )


def facts(
    today: date,
    certificates: Iterable[Certificate],
    enrollments: Iterable[EnrollmentFact] = (),
    refresher_years: Collection[int] = (),
) -> Facts:
    """The inputs of the decision table: yes or no, and the dates as ISO text (or None) for the sentence (R22–R29).

    refresher_years: the calendar years of the person's refresher records (R54).
    """
    held = current(certificates)
    reference = reference_date(today)
    return {
        "today": today.isoformat(),
        "reference_date": reference.isoformat(),
        "issued_on": held.issued_on.isoformat() if held else None,
        "valid_to": held.valid_to.isoformat() if held else None,
        "has_certificate": held is not None,
        "is_expired": held is not None and is_expired(held, today),
        "is_renewal_under_way": held is not None and is_renewal_under_way(held.valid_to, enrollments),
        "ends_by_reference_date": held is not None and held.valid_to <= reference,
        "was_issued_this_year": held is not None and held.issued_on.year == today.year,
        "was_refreshed_this_year": today.year in refresher_years,
    }


FACT_NAMES = tuple(facts(date(2000, 1, 1), ()))
"""Names of the inputs."""


def explain(facts: Facts, need: Need) -> Message:
    """One sentence: the need, the dates compared, and the next step (R31)."""
    if need is Need.NONE:
        text = _ISSUED_THIS_YEAR if facts["was_issued_this_year"] else _REFRESHED_THIS_YEAR
    else:
        text = _SENTENCES[need]
    names = ("today", "reference_date", "issued_on", "valid_to")
    return Message(text, **{name: facts[name] for name in names if f"%({name})s" in text})


_SENTENCES = {
    Need.INITIAL: N_("该人员没有可用的安全资格证书，应取证：请报名取证培训班。"),
    Need.RENEWAL: N_("证书有效期至 %(valid_to)s，不晚于标准点 %(reference_date)s，应换证：请报名换证培训班。"),
    Need.REFRESHER: N_("证书有效期至 %(valid_to)s，晚于标准点 %(reference_date)s，应再培训：请报名再培训班。"),
    Need.IN_PROGRESS: N_(
        "证书有效期至 %(valid_to)s，今天是 %(today)s，已过期；"
        "但换证报名在有效期内提交，正在办理，请等待办结，不必另行报名。"
    ),
    Need.EXPIRED: N_(
        "证书有效期至 %(valid_to)s，今天是 %(today)s，已过期："
        "须先由工信部注销证书，之后报名取证培训班；注销前不能报名任何班。"
    ),
    Need.UNDECIDED: N_("现行的决策表对该人员没有给出结论，暂不能报名；流程管理员已可在“流程”页看到这个故障。"),
}
_ISSUED_THIS_YEAR = N_(
    "证书于 %(issued_on)s 发证，有效期至 %(valid_to)s，晚于标准点 %(reference_date)s："
    "发证当年不参加再培训，请明年再报名。"
)
_REFRESHED_THIS_YEAR = N_(
    "证书有效期至 %(valid_to)s，晚于标准点 %(reference_date)s，截至 %(today)s 本年已完成再培训：请明年再报名。"
)
