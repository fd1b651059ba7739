"""The shipped diagram of an enrolment, played with handlers that answer what they are told: which way each rule goes."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from service.config import CHECKOUT
from service.engine import Definition, Request, read_definition
from tests.unit.engine_play import Play

LAPSE, WARNING = "2026-03-20T16:00:00+00:00", "2026-03-17T16:00:00+00:00"
PRINT, APPROVE = "certification/print_certificate", "certification/approve_certificate"
LIMITS = {"confirm_by": LAPSE, "lapse_at": LAPSE, "warn_at": WARNING, "check_in_by": LAPSE, "check_in_from": WARNING}
NEED = dict.fromkeys(
    (
        "has_certificate",
        "is_expired",
        "is_renewal_under_way",
        "ends_by_reference_date",
        "was_issued_this_year",
        "was_refreshed_this_year",
    ),
    False,
)
SHOWN = {
    "unit_id": "u",
    "authority_id": "a",
    "institution_id": "i",
    "class_id": "c",
    "attempt": 1,
    "certificate_number": "n",
}
PASSED: dict[str, Any] = {"passed": True, "makeup_left": False}
FAILED_ONCE: dict[str, Any] = {"passed": False, "makeup_left": True}
FAILED_TWICE: dict[str, Any] = {"passed": False, "makeup_left": False}


@cache
def definition() -> Definition:
    names = ("training_enrollment.bpmn", "training_need.dmn")
    return read_definition({name: (CHECKOUT / "processes" / name).read_bytes() for name in names}, validate=False)


class Enrollment(Play):
    """A case just begun. called: topics in the order in which they were served; answers: topic → what comes back."""

    def __init__(self, kind: str = "initial", needs_confirmation: bool = True) -> None:
        super().__init__(definition(), self.answer)
        self.called: list[str] = []
        self.answers: dict[str, dict[str, Any]] = {
            "gather_facts": {"kind": kind, "needs_confirmation": needs_confirmation, **LIMITS, **NEED, **SHOWN},
            "confirm_score": PASSED,
            "record_refresher": {"is_recorded": True},
            "end_training": {"printed": False, "came": True, "is_approved": False},
        }
        self.start()

    def answer(self, request: Request) -> dict[str, Any]:
        topic = request.topic.partition(".")[2]
        self.called.append(topic)
        return self.answers.get(topic, {})

    @property
    def ended(self) -> bool:
        return self.last is not None and self.last.ended

    def checked_in(self) -> Enrollment:
        self.complete("confirm_enrollment", decision="confirm")
        self.complete("check_in")
        return self

    def scored(self, result: dict[str, Any] = PASSED) -> Enrollment:
        """After an examination whose score was confirmed with this result."""
        self.answers["confirm_score"] = result
        self.complete("record_score", score=0)
        self.complete("confirm_score", decision="confirm")
        return self


def test_r43_r44_the_province_confirms_everybody_but_persons_of_academies() -> None:
    assert Enrollment().open == ["confirm_enrollment"]
    assert Enrollment(needs_confirmation=False).open == ["check_in"]


def test_r45_what_nobody_confirms_lapses_after_a_warning() -> None:
    case = Enrollment()
    assert {job.element: job.due.isoformat() for job in case.jobs.values() if job.due} == {
        "confirmation_lapsed": LAPSE,
        "lapse_near": WARNING,
    }
    case.fire("lapse_near")
    assert (case.called[-1], case.open) == ("warn_authority", ["confirm_enrollment"])
    case.fire("confirmation_lapsed")
    assert (case.called[-1], case.ended) == ("reject", True)


def test_r46_r37_an_enrolment_is_withdrawn_or_cancelled_until_the_check_in() -> None:
    for message, topic in (("withdraw", "withdraw"), ("class_cancelled", "cancel")):
        pending, confirmed = Enrollment(), Enrollment()
        confirmed.complete("confirm_enrollment", decision="confirm")
        for case in (pending, confirmed):
            case.message(message, reason="x")
            assert (case.called[-1], case.ended) == (topic, True)
        assert f"message:{message}" not in Enrollment().checked_in().last.awaited  # type: ignore[union-attr]


def test_r47_a_refused_enrolment_ends() -> None:
    case = Enrollment()
    case.complete("confirm_enrollment", decision="reject", reason="x")
    assert (case.called[-1], case.ended) == ("reject", True)


def test_r48_a_check_in_is_undone_while_a_score_is_awaited() -> None:
    case = Enrollment().checked_in()
    case.message("undo_check_in")
    assert (case.called[-1], case.open) == ("undo_check_in", ["check_in"])
    case.complete("check_in")
    case.complete("record_score", score=700)
    assert "message:undo_check_in" not in case.last.awaited  # type: ignore[union-attr]


def test_r51_a_returned_score_is_entered_again_and_a_confirmed_one_corrected_with_assent() -> None:
    case = Enrollment().checked_in()
    case.complete("record_score", score=700)
    case.complete("confirm_score", decision="return", reason="x")
    assert (case.called[-1], case.open) == ("return_score", ["record_score"])
    case.scored()
    case.message("correct_score", score=500, reason="x")
    assert case.open == ["assent_correction"]
    case.answers["settle_correction"] = FAILED_ONCE
    case.complete("assent_correction", decision="assent")
    assert case.open == ["record_score"]


def test_r52_who_fails_sits_one_make_up_and_then_has_failed() -> None:
    case = Enrollment().checked_in().scored(FAILED_ONCE)
    assert (case.called[-1], case.open) == ("open_makeup", ["record_score"])
    case.scored(FAILED_TWICE)
    assert (case.called[-1], case.ended) == ("fail", True)


@pytest.mark.parametrize("kind", ["initial", "renewal"])
def test_r54_a_passed_certification_or_renewal_makes_a_certificate(kind: str) -> None:
    case = Enrollment(kind).checked_in().scored()
    assert (case.called[-1], sorted(case.open)) == ("issue_certificate", [APPROVE, PRINT])


def test_r54_a_passed_refresher_writes_its_record_and_makes_no_certificate() -> None:
    case = Enrollment("refresher").checked_in().scored()
    assert (case.called[-1], case.ended) == ("record_refresher", True)


@pytest.mark.parametrize("first", [PRINT, APPROVE])
def test_r57_print_and_approval_wait_for_each_other_in_no_order(first: str) -> None:
    case = Enrollment().checked_in().scored()
    second = APPROVE if first == PRINT else PRINT
    case.complete(first, decision="approve")
    assert case.open == [second]
    case.complete(second, decision="approve")
    assert (case.called[-1], case.ended) == ("complete", True)


@pytest.mark.parametrize("is_printed", [False, True])
def test_r60_a_refused_certificate_is_recovered_if_printed_and_asked_for_again_or_void(is_printed: bool) -> None:
    again, void = Enrollment().checked_in().scored(), Enrollment().checked_in().scored()
    for case in (again, void):
        case.answers["stop_printing"] = {"printed": is_printed}
        case.complete(APPROVE, decision="refuse", reason="x")
        if is_printed:
            assert case.open == ["recover_certificate"]
            case.complete("recover_certificate")
        assert case.open == ["correct_certificate"]
    again.complete("correct_certificate", decision="resubmit")
    assert sorted(again.open) == [APPROVE, PRINT]
    void.complete("correct_certificate", decision="void", reason="x")
    assert (void.called[-1], void.ended) == ("void", True)
