"""Support tickets: which becomes which kind, how far a repair is, and when nothing can be added."""

from __future__ import annotations

from service.domain.notices.tickets import (
    RepairStep,
    TicketKind,
    TicketState,
    obstacle_to_rerouting,
    obstacle_to_speaking,
    obstacle_to_step,
)


def test_r69_a_complaint_stays_a_complaint_and_other_tickets_change_their_kind() -> None:
    for kind in TicketKind:
        assert obstacle_to_rerouting(TicketKind.COMPLAINT, kind) is not None
        assert (obstacle_to_rerouting(TicketKind.REPAIR, kind) is None) == (kind is not TicketKind.REPAIR)


def test_s81_only_a_repair_has_steps_and_none_goes_back() -> None:
    assert obstacle_to_step(TicketKind.TECHNICAL, None, RepairStep.RECEIVED) is not None
    assert obstacle_to_step(TicketKind.REPAIR, None, RepairStep.TESTING) is None
    assert obstacle_to_step(TicketKind.REPAIR, RepairStep.TESTING, RepairStep.TESTING) is None
    assert obstacle_to_step(TicketKind.REPAIR, RepairStep.TESTING, RepairStep.REPAIRING) is not None


def test_r69_a_closed_ticket_is_the_only_one_that_takes_no_more_lines() -> None:
    assert [state for state in TicketState if obstacle_to_speaking(state)] == [TicketState.CLOSED]
