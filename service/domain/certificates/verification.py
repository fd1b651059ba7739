"""The answer of the public page about a certificate: one word and one sentence, the same for everybody who asks."""

from __future__ import annotations

from datetime import date

from service.domain.certificates.certificates import (
    Certificate,
    CertificateState,
    Replacement,
    is_expired,
)
from service.errors import N_, Message

NOT_FOUND = Message(
    N_("未查询到。请核对证书编号和姓名；如确认无误，请联系发证机关。")
)  # R67: one answer for every miss


def statement(
    certificate: Certificate, today: date, *, replaced_by: Replacement | None = None, holder_deregistered: bool = False
) -> Message:
    """Tell the validity of one edition today (R17, R24, R59, R64)."""
    if holder_deregistered:
        return Message(N_("持证人已注销"))
    if certificate.state is CertificateState.SUPERSEDED and replaced_by is not None:
        return Message(replaced_by.label)
    if is_expired(certificate, today):
        return Message(N_("已过期"))
    return Message(certificate.state.label)


def unit_name(present: str, printed: str) -> Message:
    """The unit's name as it is now, with the printed one beside it where they differ (R10, R65)."""
    if present == printed:
        return Message(N_("%(name)s"), name=present)
    return Message(N_("%(name)s（原名：%(printed)s）"), name=present, printed=printed)
