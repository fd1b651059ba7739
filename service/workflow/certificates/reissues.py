"""Reissue of a lost certificate, requested and withdrawn by its unit (R64, S12); the association decides in tasks."""

from __future__ import annotations

from uuid import UUID

from service.domain.accounts.permissions import Action
from service.domain.certificates.certificates import CertificateKind, obstacle_to_reissue
from service.domain.persons.persons import PersonState
from service.errors import N_, Message, NotFound
from service.models.db.clock import today
from service.models.db.transaction import Operation, transaction
from service.models.queries.certificates import certificate_list
from service.models.queries.certificates.reissue_list import live_reissue_of, reissue_of_case
from service.models.queries.scope import get_or_404_in_scope
from service.models.queries.training.training_need_facts import to_domain
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.certificates.reissue import Reissue
from service.models.tables.runtime.case import Case
from service.workflow.authorization import must_reach
from service.workflow.runtime import tasks


def request_reissue(user: User, certificate_id: UUID, statement: str) -> UUID:
    """Request the reissue of a lost certificate; returns the case.

    Raises NotAllowed or NotFound where the holder is not the user's, Conflict when there is nothing to reissue,
    InvalidInput at ``statement``.
    """
    with transaction(Operation("request_reissue", user.id)):
        found = certificate_list.visible_certificate(user, certificate_id)
        must_reach(user, Action.REQUEST_REISSUE, found.person.unit)
        data, said = {"certificate_id": str(found.id)}, {"statement": statement}
        return tasks.start(user, "certificate_reissue", data, personal=said, business_key=str(found.id)).case_id


def withdraw_reissue(user: User, case_id: UUID) -> None:
    """Withdraw an application before the new edition is issued."""
    with transaction(Operation("withdraw_reissue", user.id)):
        own_reissue(user, case_id)
        tasks.correlate_message(user, case_id, "withdraw_reissue", otherwise=N_("补办已有结论，不能撤回。"))


def own_reissue(user: User, case_id: UUID) -> Reissue:
    """Find an application that the user may withdraw. Raises NotFound."""
    row = reissue_of_case(get_or_404_in_scope(user, Case, case_id).id)
    if row is None:
        raise NotFound
    must_reach(user, Action.REQUEST_REISSUE, row.certificate.person.unit)
    return row


def obstacle(certificate: Certificate) -> Message | None:
    """Say why this certificate, its holder loaded, cannot be reissued now."""
    if certificate.person.state == PersonState.DEREGISTERED:
        return Message(N_("持证人已注销，不能补办。"))
    if live_reissue_of(certificate.id):
        return Message(N_("这份证书的补办正在办理，请勿重复申请。"))
    is_printed = certificate.kind == CertificateKind.LEGACY or certificate.printed_count > 0
    return obstacle_to_reissue(to_domain(certificate), today(), is_printed)
