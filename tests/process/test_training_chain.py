"""The chain of the seed (S50–S56): class, enrolment, confirmation, check-in, score, certificate, in the shipped diagrams."""

from __future__ import annotations

from typing import Any

from service.workflow.runtime import history
from tests.builders.stage import (
    at_nine,
    certificates_of,
    class_of,
    do,
    ended_at,
    enroll,
    enrollment_of,
    make_stage,
    open_tasks,
    publish_class,
)


def test_a_person_goes_from_enrolment_to_certificate_through_six_inboxes(app: Any, clock: Any) -> None:
    stage = make_stage()
    person, training_class = stage.person(), publish_class(stage)
    case = enroll(stage, training_class, person)
    assert open_tasks(case) == ["confirm_enrollment"]
    assert do(stage.province, case, "confirm_enrollment", decision="confirm") == ["check_in"]
    clock.move_to(at_nine(training_class.starts_on))
    assert do(stage.association, case, "check_in") == ["record_score"]
    assert class_of(training_class).state == "running"
    assert do(stage.institution, case, "record_score", score="83") == ["confirm_score"]
    both = ["certification/approve_certificate", "certification/print_certificate"]
    assert do(stage.association, case, "confirm_score", decision="confirm") == both
    assert enrollment_of(case).state == "certifying"
    do(stage.association, case, "certification/print_certificate")
    assert do(stage.ministry, case, "certification/approve_certificate", decision="approve") == []
    assert (ended_at(case), enrollment_of(case).state) == ("certified", "completed")
    [certificate] = certificates_of(person)
    assert (certificate.state, certificate.number[:6], certificate.printed_count) == ("valid", "372026", 1)
    assert list(history.verify()) == []
