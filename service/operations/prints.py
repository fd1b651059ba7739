"""One print of one edition, wherever it is asked for: its conditions, its record, its count (R57, R58). No topics here."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from service.domain.certificates import certificates
from service.errors import N_, InvalidInput
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.queries.certificates.reissue_list import live_reissue_of
from service.models.queries.training.training_need_facts import rule
from service.models.tables.certificate import Certificate, PrintRecord
from service.operations.context import Context

FIRST_PRINT = N_("首次打印")


def record(certificate: Certificate, has_photo: bool, reason: str | None, actor_id: UUID | None, at: datetime) -> None:
    """Log a print: with a photo, and from the second on with a reason; raises InvalidInput at ``print_reason``."""
    why = (reason or "").strip()
    if obstacle := certificates.obstacle_to_printing(rule(certificate), has_photo, certificate.printed_count, why):
        raise InvalidInput({"print_reason": obstacle}, text=obstacle)
    session().add(
        PrintRecord(id=new_id(), certificate_id=certificate.id, printed_by=actor_id, reason=why or FIRST_PRINT)
    )
    certificate.printed_count += 1
    certificate.last_printed_at = at


def tell_reissue(certificate: Certificate, context: Context) -> None:
    """A certificate that has ended needs no reissue any more: let the case that waits for one end (R64)."""
    waiting = live_reissue_of(certificate.id)
    if waiting is not None and waiting.case_id != context.case_id:
        context.send(waiting.case_id, "certificate_ended")
