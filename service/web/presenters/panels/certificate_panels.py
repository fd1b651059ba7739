"""The facts beside the decisions about certificates and tickets: what was lost, what has expired, what was written."""

from __future__ import annotations

from service.domain.notices.tickets import RepairStep
from service.domain.persons.corrections import LOCKED
from service.models.queries.certificates import certificate_list
from service.models.queries.certificates.reissue_list import reissue_of_case
from service.models.queries.notices import ticket_list
from service.models.queries.notices.tickets import messages_of
from service.models.queries.persons.correction_list import correction_of_case
from service.models.queries.persons.person_history import trainings_of
from service.models.tables.accounts.user import User
from service.models.tables.notices.ticket import TicketFile
from service.models.tables.persons.identity_correction import CorrectionFile
from service.models.tables.runtime.case import Task
from service.web.presenters.panels.decision_panels import certificate_card, person_card
from service.web.presenters.panels.task_panel import TaskPanel
from service.workflow.persons.corrections import changes_of


def reissue_cards(user: User, task: Task) -> list[TaskPanel]:
    """The loss of the certificate, the edition to print once there is one, the holder and their certificates."""
    found = reissue_of_case(task.case_id)
    if found is None:
        return [TaskPanel("pages/cards/facts.html")]
    person = found.certificate.person
    editions = certificate_list.editions(found.certificate.number)
    new = next((c for c in editions if c.id == found.new_certificate_id), None)
    cards = [TaskPanel("pages/cards/reissue.html", {"found": found, "editions": editions, "new": new}, wide=True)]
    return [*cards, person_card(person), certificate_card(certificate_list.certificates_of(person.id))]


def deregistration_cards(user: User, task: Task) -> list[TaskPanel]:
    """The certificate that has expired, the holder, and their trainings since."""
    certificate_id = certificate_list.certificate_of_case(task.case_id)
    if certificate_id is None:
        return [TaskPanel("pages/cards/facts.html")]
    found = certificate_list.visible_certificate(user, certificate_id)
    values = {"found": found, "trainings": trainings_of(found.person_id)[:5]}
    return [TaskPanel("pages/cards/expired.html", values, wide=True), person_card(found.person)]


def correction_cards(user: User, task: Task) -> list[TaskPanel]:
    """The identity before and after with the evidence, the person, and what the identity holds (R77)."""
    row = correction_of_case(task.case_id)
    if row is None:
        return [TaskPanel("pages/cards/facts.html")]
    seen = {"row": row, "changes": changes_of(row), "files": CorrectionFile.of(row.id), "labels": LOCKED}
    held = certificate_list.certificates_of(row.person_id)
    return [TaskPanel("pages/cards/correction.html", seen, wide=True), person_card(row.person), certificate_card(held)]


def ticket_cards(user: User, task: Task) -> list[TaskPanel]:
    """The whole conversation, and who asks."""
    ticket = ticket_list.ticket_of_case(task.case_id)
    if ticket is None:
        return [TaskPanel("pages/cards/facts.html")]
    seen = {
        "ticket": ticket,
        "messages": messages_of(ticket.id),
        "files": TicketFile.of(ticket.id),
        "steps": list(RepairStep),
    }
    return [TaskPanel("pages/cards/ticket.html", seen, wide=True)]
