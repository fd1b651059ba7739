"""The facts beside the decisions of the three processes: who, which certificate, which class, why this training."""

from __future__ import annotations

from datetime import date
from typing import Any

from service.domain.certificates import certificates
from service.domain.training import training_need
from service.domain.training.enrollment_state import EnrollmentState
from service.errors import Message
from service.models.db.clock import today
from service.models.queries.certificates import certificate_list
from service.models.queries.persons.person_history import trainings_of, versions_of
from service.models.queries.persons.person_list import person_of_case
from service.models.queries.training import enrollment_list
from service.models.queries.training.training_need_facts import facts_of, to_domain
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Task
from service.models.tables.training.training import Enrollment, TrainingClass
from service.web.presenters import date_ruler
from service.web.presenters.panels.task_panel import TaskPanel
from service.workflow.runtime import variables
from service.workflow.training import enrollment_eligibility, enrollments

CERTIFY = ("print_certificate", "approve_certificate", "recover_certificate", "correct_certificate")
SCORE = ("confirm_score", "record_score", "assent_correction")


def enrollment_cards(user: User, task: Task) -> list[TaskPanel]:
    """For every task of an enrolment the person and the class; to each what its decision turns on."""
    found = enrollment_list.enrollment_of_case(task.case_id)
    if found is None:
        return [TaskPanel("pages/cards/facts.html")]
    step = task.element.rpartition("/")[2]
    held = certificate_list.certificates_of(found.person_id)
    is_to_confirm = found.state == EnrollmentState.PENDING
    cards = [_need_card(found, held, variables.of_task(user, task.id))] if is_to_confirm else []
    if step in CERTIFY:
        cards.append(_making_card(found, held))
    if step in SCORE:
        proposed = variables.of_task(user, task.id) if step == "assent_correction" else None
        seen = {"found": found, "facts": task.facts, "trainings": trainings_of(found.person_id), "proposed": proposed}
        cards.append(TaskPanel("pages/cards/score.html", seen))
    cards += [person_card(found.person), certificate_card(held), _class_card(found.training_class)]
    return cards


def approval_cards(user: User, task: Task) -> list[TaskPanel]:
    """For the approval of a person: what was entered, what has changed since,
    and the certificate that the person brings (R21).
    """
    person = person_of_case(task.case_id)
    if person is None:
        return [TaskPanel("pages/cards/facts.html")]
    changes = [v for v in versions_of(person.id) if v.kind != "insert"][:3]
    cards = [
        person_card(person, is_whole=True),
        TaskPanel("pages/cards/changes.html", {"versions": changes, "person": person}),
    ]
    held = certificate_list.certificates_of(person.id)
    return cards + ([certificate_card(held)] if held or not person.legacy_number else [])


def class_cards(user: User, task: Task) -> list[TaskPanel]:
    """For the tasks of a class: the class as it stands, if it has been saved before."""
    found = enrollment_list.class_of_case(task.case_id)
    return [_class_card(found)] if found else []


def _need_card(found: Enrollment, held: list[Certificate], data: dict[str, Any]) -> TaskPanel:
    """The need as of the day of enrolment (R47), and what confirming would check again,
    with the case's own last day (R45).
    """
    last_day = date.fromisoformat(data["confirm_until"])
    facts = facts_of([found.person_id], found.enrolled_on)[found.person_id]
    need = enrollments.decide(facts)
    valid = next((c for c in held if c.state == "valid"), None)
    values: dict[str, Any] = {
        "found": found,
        "need": need,
        "explained": training_need.explain(facts.facts, need),
        "ruler": date_ruler.lay(facts.facts),
        "fits": need.kind is not None and need.kind.value == found.kind,
        "obstacles": enrollment_eligibility.recheck(found, need, facts.facts, last_day),
        "new_valid_to": certificates.renewed_valid_to(valid.valid_to) if valid and found.kind == "renewal" else None,
    }
    return TaskPanel("pages/cards/need.html", values, wide=True)


def _making_card(found: Enrollment, held: list[Certificate]) -> TaskPanel:
    """The certificate that is being printed and approved."""
    certificate = next((c for c in held if c.enrollment_id == found.id and c.state in ("issued", "valid")), None)
    why: Message | None = None
    if certificate is not None:
        why = certificates.obstacle_to_printing(to_domain(certificate), found.person.has_approved_photo, 0, None)
    return TaskPanel(
        "pages/cards/making.html", {"certificate": certificate, "found": found, "obstacle": why}, wide=True
    )


def person_card(person: Person, is_whole: bool = False) -> TaskPanel:
    age = (
        today().year
        - person.birth_date.year
        - ((today().month, today().day) < (person.birth_date.month, person.birth_date.day))
    )
    return TaskPanel("pages/cards/person.html", {"person": person, "age": age, "is_whole": is_whole})


def certificate_card(held: list[Certificate]) -> TaskPanel:
    current = next((c for c in held if c.state == "valid"), None)
    refreshers = certificate_list.refreshers_of(current.number) if current else []
    return TaskPanel("pages/cards/certificate.html", {"certificate": current, "refreshers": refreshers})


def _class_card(found: TrainingClass) -> TaskPanel:
    return TaskPanel("pages/cards/class.html", {"found": found})
