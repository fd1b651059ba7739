"""Which training a person needs: every vector of R32, through the table processes/training_need.dmn."""

from __future__ import annotations

import itertools
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from SpiffWorkflow.dmn.parser.BpmnDmnParser import BpmnDmnParser

from service import engine
from service.domain.certificates.certificates import Certificate, CertificateState
from service.domain.training.enrollment_state import LIVE_STATES, EnrollmentState
from service.domain.training.training_kind import TrainingKind
from service.domain.training.training_need import (
    OUTPUTS,
    EnrollmentFact,
    Facts,
    Need,
    explain,
    facts,
    reference_date,
)
from service.domain.values.calendar import DAY, add_years
from service.engine import Definition

QUESTIONS = (
    "has_certificate",
    "is_expired",
    "is_renewal_under_way",
    "ends_by_reference_date",
    "was_issued_this_year",
    "was_refreshed_this_year",
)
NOW = date(2013, 5, 8)  # the seed's «today»


TABLE = Path(__file__).parents[2] / "processes" / "training_need.dmn"


ASKING = b"""<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:camunda="http://camunda.org/schema/1.0/bpmn" targetNamespace="http://anpei">
  <bpmn:process id="asking" isExecutable="true">
    <bpmn:startEvent id="begin"><bpmn:outgoing>to_need</bpmn:outgoing></bpmn:startEvent>
    <bpmn:businessRuleTask id="need" camunda:decisionRef="training_need" camunda:resultVariable="need"
        camunda:mapDecisionResult="singleEntry">
      <bpmn:incoming>to_need</bpmn:incoming><bpmn:outgoing>to_end</bpmn:outgoing>
    </bpmn:businessRuleTask>
    <bpmn:endEvent id="end"><bpmn:incoming>to_end</bpmn:incoming></bpmn:endEvent>
    <bpmn:sequenceFlow id="to_need" sourceRef="begin" targetRef="need"/>
    <bpmn:sequenceFlow id="to_end" sourceRef="need" targetRef="end"/>
  </bpmn:process>
</bpmn:definitions>
"""


@cache
def bundle() -> Definition:
    """The smallest process that asks the table, since the engine reads decisions only as part of a bundle."""
    return engine.read_definition({"asking.bpmn": ASKING, TABLE.name: TABLE.read_bytes()}, deployment_rules=False)


def decide(found: Facts) -> Need:
    """What the table says, as the engine that runs cases decides it."""
    return Need(engine.evaluate_decision(bundle(), "training_need", found)["need"])


def held(
    valid_to: date, issued_on: date | None = None, state: CertificateState = CertificateState.VALID
) -> Certificate:
    return Certificate(issued_on or add_years(valid_to + DAY, -3), valid_to, state)


def renewal(enrolled_on: date, state: EnrollmentState = EnrollmentState.PENDING) -> EnrollmentFact:
    return EnrollmentFact(TrainingKind.RENEWAL, enrolled_on, state)


def read(found: Facts) -> Need:
    """R23 to R29 in the words of the rules, to compare the table with."""
    if not found["has_certificate"]:
        return Need.INITIAL
    if found["is_expired"]:
        return Need.IN_PROGRESS if found["is_renewal_under_way"] else Need.EXPIRED
    if found["ends_by_reference_date"]:
        return Need.RENEWAL
    if found["was_issued_this_year"] or found["was_refreshed_this_year"]:
        return Need.NONE
    return Need.REFRESHER


def need(
    today: date,
    *certificates: Certificate,
    enrollments: tuple[EnrollmentFact, ...] = (),
    refreshed: tuple[int, ...] = (),
) -> Need:
    return decide(facts(today, certificates, enrollments, refreshed))


@pytest.mark.parametrize(
    ("valid_to", "today", "expected"),
    [
        (date(2013, 10, 31), NOW, Need.RENEWAL),
        (date(2014, 10, 31), NOW, Need.REFRESHER),
        (date(2014, 2, 28), NOW, Need.RENEWAL),
        (date(2014, 3, 1), NOW, Need.RENEWAL),
        (date(2014, 3, 2), NOW, Need.REFRESHER),
        (date(2014, 10, 31), date(2013, 12, 31), Need.REFRESHER),
        (date(2014, 10, 31), date(2014, 1, 1), Need.RENEWAL),
        (date(2013, 5, 8), NOW, Need.RENEWAL),
        (date(2013, 5, 8), date(2013, 5, 9), Need.EXPIRED),
        (date(2024, 2, 29), date(2023, 6, 1), Need.RENEWAL),
        (date(2025, 3, 1), date(2024, 2, 29), Need.RENEWAL),
    ],
)
def test_r32_a_certificate_of_earlier_years_is_compared_with_the_reference_date(
    valid_to: date, today: date, expected: Need
) -> None:
    assert need(today, held(valid_to)) is expected


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2013, 12, 31), Need.NONE),
        (date(2014, 1, 1), Need.REFRESHER),
        (date(2015, 12, 31), Need.REFRESHER),
        (date(2016, 1, 1), Need.RENEWAL),
    ],
)
def test_r32_a_certificate_of_june_2013_goes_through_all_its_years(today: date, expected: Need) -> None:
    assert need(today, held(date(2016, 5, 31), issued_on=date(2013, 6, 1))) is expected


def test_s72_s75_both_readings_of_the_seeds_example_are_decided_by_the_rule() -> None:
    assert need(NOW, held(date(2013, 10, 31), issued_on=date(2010, 11, 1))) is Need.RENEWAL
    assert need(NOW, held(date(2014, 10, 31))) is Need.REFRESHER


def test_r22_the_reference_date_is_the_first_of_march_of_next_year() -> None:
    assert reference_date(date(2013, 1, 1)) == reference_date(date(2013, 12, 31)) == date(2014, 3, 1)
    assert reference_date(date(2024, 2, 29)) == date(2025, 3, 1)


@pytest.mark.parametrize("state", [CertificateState.VOID, CertificateState.DEREGISTERED, CertificateState.REVOKED])
def test_r23_r63_without_a_living_certificate_the_need_is_initial(state: CertificateState) -> None:
    assert need(NOW) is Need.INITIAL
    assert need(NOW, held(date(2014, 10, 31), state=state)) is Need.INITIAL


def test_r23_who_waits_for_the_approval_of_a_first_certificate_needs_none() -> None:
    assert need(NOW, held(date(2016, 5, 7), issued_on=NOW, state=CertificateState.ISSUED)) is Need.NONE


def test_r24_a_legacy_certificate_that_has_expired_at_entry_is_expired_at_once() -> None:
    assert need(NOW, held(date(2012, 1, 1))) is Need.EXPIRED


@pytest.mark.parametrize("state", sorted(LIVE_STATES))
def test_r25_a_renewal_enrolled_on_the_last_valid_day_keeps_an_expired_certificate_in_progress(
    state: EnrollmentState,
) -> None:
    last = date(2013, 5, 8)
    assert need(last + DAY, held(last), enrollments=(renewal(last, state),)) is Need.IN_PROGRESS
    assert need(last + DAY, held(last), enrollments=(renewal(last + DAY, state),)) is Need.EXPIRED


@pytest.mark.parametrize("state", sorted(set(EnrollmentState) - LIVE_STATES))
def test_r25_when_that_renewal_ends_without_a_certificate_the_person_is_expired(state: EnrollmentState) -> None:
    last = date(2013, 5, 8)
    assert need(last + DAY, held(last), enrollments=(renewal(last, state),)) is Need.EXPIRED


def test_r25_a_refresher_enrolled_in_time_does_not_count() -> None:
    last = date(2013, 5, 8)
    refresher = EnrollmentFact(TrainingKind.REFRESHER, last, EnrollmentState.CONFIRMED)
    assert need(last + DAY, held(last), enrollments=(refresher,)) is Need.EXPIRED


def test_r25_before_the_end_a_renewal_under_way_changes_nothing() -> None:
    assert need(NOW, held(NOW), enrollments=(renewal(NOW),)) is Need.RENEWAL


def test_r26_the_reference_date_itself_belongs_to_renewal() -> None:
    assert need(NOW, held(reference_date(NOW))) is Need.RENEWAL
    assert need(NOW, held(reference_date(NOW) + DAY)) is Need.REFRESHER


def test_r27_in_the_year_of_a_renewal_there_is_no_refresher_either() -> None:
    old = held(date(2013, 10, 31), state=CertificateState.SUPERSEDED)
    assert need(date(2013, 11, 1), old, held(date(2016, 10, 31), issued_on=date(2013, 6, 1))) is Need.NONE


def test_r28_one_refresher_a_calendar_year_is_enough() -> None:
    certificate = held(date(2015, 10, 31))
    assert need(NOW, certificate, refreshed=(2013,)) is Need.NONE
    assert need(NOW, certificate, refreshed=(2012,)) is Need.REFRESHER
    assert need(date(2014, 1, 1), certificate, refreshed=(2013,)) is Need.REFRESHER


def test_r29_whoever_is_left_needs_a_refresher() -> None:
    assert need(NOW, held(date(2015, 10, 31))) is Need.REFRESHER


def test_r30_a_legacy_certificate_issued_this_year_that_ends_by_the_reference_date_is_renewed() -> None:
    assert need(NOW, held(date(2014, 2, 1), issued_on=date(2013, 2, 2))) is Need.RENEWAL


def test_every_combination_of_facts_has_exactly_the_need_the_rules_give_it() -> None:
    for answers in itertools.product((True, False), repeat=len(QUESTIONS)):
        asked = dict(zip(QUESTIONS, answers, strict=True))
        assert decide(asked) is read(asked), asked


def test_the_plain_library_reads_the_table_with_the_same_cells() -> None:
    parser = BpmnDmnParser()
    parser.add_dmn_file(str(TABLE))
    table = parser.get_engine("training_need", None).decision_table
    assert table.hit_policy == "UNIQUE"
    assert [column.expression for column in table.inputs] == list(QUESTIONS)
    assert {rule.outputEntries[0].text for rule in table.rules} == {f'"{need}"' for need in OUTPUTS}
    assert all(rule.description.startswith("R") for rule in table.rules)


def test_facts_are_plain_data_without_floats() -> None:
    for found in (facts(NOW, [held(date(2014, 3, 1))]), facts(NOW, [])):
        assert set(QUESTIONS) <= set(found)
        assert all(value is None or isinstance(value, str | bool) for value in found.values())
        assert all(isinstance(found[question], bool) for question in QUESTIONS)


def test_facts_name_the_dates_compared() -> None:
    found = facts(NOW, [held(date(2013, 10, 31), issued_on=date(2010, 11, 1))])
    assert (found["today"], found["reference_date"]) == ("2013-05-08", "2014-03-01")
    assert (found["issued_on"], found["valid_to"]) == ("2010-11-01", "2013-10-31")


@pytest.mark.parametrize(
    ("certificates", "refreshed", "expected", "holds"),
    [
        ([], (), Need.INITIAL, ["应取证", "取证培训班"]),
        ([held(date(2014, 3, 1))], (), Need.RENEWAL, ["2014-03-01", "不晚于标准点", "换证培训班"]),
        ([held(date(2014, 3, 2))], (), Need.REFRESHER, ["2014-03-02", "2014-03-01", "晚于标准点", "再培训班"]),
        ([held(date(2013, 5, 7))], (), Need.EXPIRED, ["2013-05-07", "2013-05-08", "工信部注销", "取证培训班"]),
        (
            [held(date(2016, 5, 7), issued_on=NOW)],
            (),
            Need.NONE,
            ["2013-05-08", "2016-05-07", "2014-03-01", "发证当年"],
        ),
        ([held(date(2015, 1, 1))], (2013,), Need.NONE, ["2015-01-01", "2014-03-01", "已完成再培训", "明年"]),
    ],
)
def test_r31_the_sentence_names_need_dates_and_next_step(
    certificates: list[Certificate], refreshed: tuple[int, ...], expected: Need, holds: list[str]
) -> None:
    found = facts(NOW, certificates, (), refreshed)
    assert decide(found) is expected
    sentence = str(explain(found, expected))
    assert all(part in sentence for part in holds), sentence


def test_r31_who_renews_in_time_is_told_to_wait() -> None:
    found = facts(NOW + DAY, [held(NOW)], [renewal(NOW)])
    assert "等待办结" in str(explain(found, decide(found)))


def test_each_need_answers_with_one_kind_of_class_or_none() -> None:
    assert {n: n.kind for n in Need} == {
        Need.INITIAL: TrainingKind.INITIAL,
        Need.RENEWAL: TrainingKind.RENEWAL,
        Need.REFRESHER: TrainingKind.REFRESHER,
        Need.NONE: None,
        Need.IN_PROGRESS: None,
        Need.EXPIRED: None,
        Need.UNDECIDED: None,
    }
