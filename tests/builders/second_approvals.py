"""Cases of every shipped process in front of its second approval, and who withdraws there and how."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select

from service import handlers
from service.models.db.clock import today
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case
from service.models.tables.runtime.process import ProcessChange
from service.models.tables.units.organisation import authority_id
from service.workflow.certificates import certificate_expiry, reissues
from service.workflow.notices import tickets
from service.workflow.persons import corrections
from service.workflow.persons.person_records import submit_person
from service.workflow.runtime import tasks
from service.workflow.versions import process_changes
from tests.builders.approval import propose_change
from tests.builders.approvals import TAKE_BACK, Approval, Withdrawal
from tests.builders.open_tasks import ASKED
from tests.builders.stage import Stage, do, draft, enroll, known, publish_class, task_of
from tests.builders.world import make_certificate, make_person, make_user, portrait, sign_in

Data = dict[str, Any]


class Drawn(NamedTuple):
    """A process with a second approval.

    begin: makes a case that stands at the approval; again: brings one there that was returned; withdraw: takes one
    back as people do; withdrawn: the open tasks and the state after that; reader: who sees the state at the pages and
    the address of REST, which have variables of the case in them; onlooker: who sees the case.
    """

    approval: Approval
    begin: Callable[[Stage], UUID]
    again: Callable[[Stage, UUID], Any]
    agreed: str
    refused: str
    withdraw: Callable[[FlaskClient, Stage, UUID, Data], Any]
    withdrawn: tuple[list[str], str]
    reader: str = "enterprise"
    pages: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()
    onlooker: str = "ministry"


def _press(role: str, address: str) -> Callable[[FlaskClient, Stage, UUID, Data], Any]:
    """The button of a page, pressed by somebody of the stage."""

    def press(client: FlaskClient, stage: Stage, case: UUID, data: Data) -> None:
        sign_in(client, known(getattr(stage, role)))
        answer = client.post(address.format(case_id=case, **data), data={"asked": "1"})
        assert answer.status_code == 302, (answer.status_code, answer.get_data(as_text=True))

    return press


def _take_back(role: str) -> Callable[[FlaskClient, Stage, UUID, Data], Any]:
    """The task of whoever asked, completed on its page."""

    def complete(client: FlaskClient, stage: Stage, case: UUID, data: Data) -> None:
        sign_in(client, known(getattr(stage, role)))
        complete_on_page(client, task_of(case, f"second/{TAKE_BACK}").id, verdict="withdraw")

    return complete


def complete_on_page(client: FlaskClient, task: UUID, **answers: str) -> None:
    """Fill the form of a task in and send it, as the account that is signed in."""
    digest = re.search(r'name="form_digest" value="(\w+)"', client.get(f"/tasks/{task}").get_data(as_text=True))
    assert digest
    sent = client.post(f"/tasks/{task}", data={"form_digest": digest[1], "asked": "1", **answers})
    assert sent.status_code == 302, sent.get_data(as_text=True)


def _person(stage: Stage) -> UUID:
    person = make_person(stage.unit, state="draft")
    submit_person(stage.enterprise, person.id)
    session().refresh(person)
    assert person.case_id
    _approve(stage, person.case_id)
    return person.case_id


def _approve(stage: Stage, case: UUID) -> Any:
    return do(stage.province, case, "approve_person", decision="approve")


def _enrollment(stage: Stage) -> UUID:
    case = enroll(stage, publish_class(stage), stage.person())
    _confirm(stage, case)
    return case


def _confirm(stage: Stage, case: UUID) -> Any:
    return do(stage.province, case, "confirm_enrollment", decision="confirm")


def _class(stage: Stage) -> UUID:
    data = {"organiser_id": str(authority_id("association")), "organiser_role": "association"}
    case = tasks.start(stage.association, "training_class", data).case_id
    _publish(stage, case)
    return case


def _publish(stage: Stage, case: UUID) -> Any:
    return do(stage.association, case, "draft_class", **draft(stage))


def _deregistration(stage: Stage) -> UUID:
    certificate = make_certificate(stage.person(), today() - timedelta(days=1))
    certificate_expiry.start_deregistrations()
    case = session().query(Case.id).filter_by(business_key=str(certificate.id)).scalar()
    _deregister(stage, case)
    return UUID(str(case))


def _deregister(stage: Stage, case: UUID) -> Any:
    return do(stage.ministry, case, "deregister_certificate", decision="deregister")


def _recheck(client: FlaskClient, stage: Stage, case: UUID, data: Data) -> None:
    """The certificate is due no more: its number lives on in a later edition of its holder."""
    assert certificate_expiry.recheck_deregistrations() == 0, "nothing has changed"
    tasks.correlate_message(None, case, "recheck")


def _reissue(stage: Stage) -> UUID:
    lost = make_certificate(stage.person(), printed_count=1)
    case = reissues.request_reissue(stage.enterprise, lost.id, "乘车时遗失，已登报声明作废。")
    _grant(stage, case)
    return case


def _grant(stage: Stage, case: UUID) -> Any:
    return do(stage.association, case, "review_reissue", decision="approve")


def _correction(stage: Stage) -> UUID:
    person = stage.person()
    make_certificate(person)
    raw = {"kind": "name", "statement": "已更名，见户口簿。", "name": "陈戊臣"}
    case = corrections.request_correction(stage.enterprise, person.id, raw, [("a.jpg", portrait())]).case_id
    assert case
    do(stage.province, case, "approve_correction", decision="approve")
    _assent(stage, case)
    return case


def _assent(stage: Stage, case: UUID) -> Any:
    return do(stage.association, case, "assent_identity", decision="assent")


def _ticket(stage: Stage) -> UUID:
    case = tickets.open_ticket(stage.enterprise, ASKED).case_id
    assert case
    do(_desk(), case, "accept_ticket", decision="accept")
    _answer(stage, case)
    return case


def _answer(stage: Stage, case: UUID) -> Any:
    return do(_desk(), case, "answer_ticket", decision="resolve", message="请改用 JPEG 格式。")


def _desk() -> User:
    return known(make_user("sys_admin", authority_id("platform")))


CHANGED = set(handlers.SUBJECTS)
"""Processes of which each is changed once."""


def _change(stage: Stage) -> UUID:
    key = sorted(CHANGED)[session().query(ProcessChange).count()]
    propose_change(key, 'isExecutable="true"', 'isExecutable="true" camunda:versionTag="2"')
    change = process_changes.open_change(key)
    assert change
    assert change.case_id
    _approve_change(stage, change.case_id)
    return change.case_id


def _approve_change(stage: Stage, case: UUID) -> Any:
    approver = known(make_user("process_admin", authority_id("platform")))
    return do(approver, case, "approve_change", decision="approve")


def _withdraw_change(client: FlaskClient, stage: Stage, case: UUID, data: Data) -> None:
    change = session().scalars(select(ProcessChange).where(ProcessChange.case_id == case)).one()
    assert change.proposer_id
    proposer = User.get(change.proposer_id)
    assert proposer
    sign_in(client, known(proposer))
    assert client.post(f"/studio/{change.key}/withdraw", data={"asked": "1"}).status_code == 302


APPROVALS = {
    "personnel_approval": Drawn(
        Approval("approve", "approve_person", "reject", "pending"),
        _person,
        _approve,
        "approved",
        "rejected",
        _press("enterprise", "/persons/{person_id}/take-back"),
        (["revise_person"], "rejected"),
        pages=("/persons", "/persons?state=pending", "/persons/{person_id}", "/persons/{person_id}/record"),
        rest=("/persons/{person_id}", "/persons?state=pending"),
    ),
    "training_enrollment": Drawn(
        Approval("confirm", "confirm_enrollment", "reject", "pending"),
        _enrollment,
        _confirm,
        "confirmed",
        "rejected",
        _press("enterprise", "/enrollments/{enrollment_id}/withdraw"),
        ([], "withdrawn"),
        pages=(
            *("/enrollments", "/enrollments?state=pending"),
            *("/classes/{class_id}", "/persons/{person_id}", "/persons/{person_id}/record"),
        ),
        rest=("/enrollments/{enrollment_id}", "/enrollments?state=pending"),
    ),
    "training_class": Drawn(
        Approval(
            "publish",
            "draft_class",
            "discard_draft",
            "draft",
            withdrawal=Withdrawal("${organiser_role}", "organiser_id", "draft_class"),
        ),
        _class,
        _publish,
        "enrolling",
        "cancelled",
        _take_back("association"),
        (["draft_class"], "draft"),
        "association",
        ("/classes", "/classes?state=draft", "/classes/{class_id}"),
        ("/classes/{class_id}", "/classes?state=draft"),
    ),
    "certificate_deregistration": Drawn(
        Approval("deregister", "deregister_certificate", "not_due", "valid", named=False),
        _deregistration,
        _deregister,
        "deregistered",
        "valid",
        _recheck,
        (["deregister_certificate"], "valid"),
    ),
    "certificate_reissue": Drawn(
        Approval("issue_edition", "review_reissue", "refuse", "requested"),
        _reissue,
        _grant,
        "approved",
        "refused",
        _press("enterprise", "/reissues/{case_id}/withdraw"),
        ([], "withdrawn"),
        "association",
        ("/reissues", "/reissues?state=requested"),
    ),
    "identity_correction": Drawn(
        Approval("apply", "assent_identity", "refuse", "approved"),
        _correction,
        _assent,
        "applied",
        "refused",
        _press("enterprise", "/corrections/{correction_id}/withdraw"),
        ([], "withdrawn"),
        pages=("/persons/{person_id}/corrections",),
        rest=("/corrections/{correction_id}",),
    ),
    "support_ticket": Drawn(
        Approval(
            "resolve",
            "answer_ticket",
            "ask_requester",
            "in_progress",
            withdrawal=Withdrawal("${requester_role}", "requester_id", "resolve"),
        ),
        _ticket,
        _answer,
        "resolved",
        "waiting_user",
        _take_back("enterprise"),
        (["rate_ticket"], "resolved"),
        pages=("/tickets", "/tickets?state=in_progress", "/tickets/{ticket_id}"),
        onlooker="enterprise",  # R69: nobody but who asked and whose desk it is
    ),
    "process_change": Drawn(
        Approval("activate", "approve_change", "refuse", "", named=False),
        _change,
        _approve_change,
        "approved",
        "refused",
        _withdraw_change,
        ([], "withdrawn"),
    ),
}
"""Second approvals by process."""
