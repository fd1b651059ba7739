"""Support tickets (R69, S78–S82): kinds and states.

Who answers which: ticket_routing.dmn.
"""

from __future__ import annotations

from service.domain.accounts.roles import Role
from service.domain.values.labelled_enum import Labelled
from service.errors import N_, Message

ANSWERING_ROLES = (Role.SYS_ADMIN, Role.ASSOCIATION, Role.MINISTRY)  # to whom ticket_routing.dmn sends the kinds


class TicketKind(Labelled):
    TECHNICAL = "technical", N_("技术咨询")
    ORDERING = "ordering", N_("订购咨询")
    REPAIR = "repair", N_("维修服务")
    COMPLAINT = "complaint", N_("在线投诉")


class TicketState(Labelled):
    OPEN = "open", N_("待受理")
    IN_PROGRESS = "in_progress", N_("办理中")
    WAITING_USER = "waiting_user", N_("待补充")
    RESOLVED = "resolved", N_("已解决")
    CLOSED = "closed", N_("已关闭")


class RepairStep(Labelled):
    """The steps of a repair (S81); the one who handles the ticket notes each as it happens."""

    RECEIVED = "received", N_("已收到设备")
    INSPECTING = "inspecting", N_("检测中")
    REPAIRING = "repairing", N_("维修中")
    TESTING = "testing", N_("测试中")
    RETURNED = "returned", N_("已寄回")


def obstacle_to_rerouting(now: TicketKind, to: TicketKind) -> Message | None:
    """Return why a ticket cannot become another kind: a complaint stays with the ministry,
    whoever it is about (R69).
    """
    if now is TicketKind.COMPLAINT:
        return Message(N_("投诉不能改派，请由工信部办理。"))
    if now is to:
        return Message(N_("工单已是这一类，请选择另一类。"))
    return None


def obstacle_to_step(kind: TicketKind, now: RepairStep | None, to: RepairStep) -> Message | None:
    """Return why a ticket cannot be noted at a step: only repairs have steps, and none goes back (S81)."""
    if kind is not TicketKind.REPAIR:
        return Message(N_("只有维修工单登记维修步骤，请留空。"))
    order = list(RepairStep)
    if now is not None and order.index(to) < order.index(now):
        return Message(N_("维修已到“%(now)s”，不能退回。"), now=Message(now.label))
    return None


def obstacle_to_speaking(state: TicketState) -> Message | None:
    """Return why nothing can be added to the conversation any more."""
    return Message(N_("工单已关闭，请另提新工单。")) if state is TicketState.CLOSED else None
