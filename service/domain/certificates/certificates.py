"""Certificates: their states, how long they are valid, when they warn, and what may be done with one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from service.domain.certificates.certificate_number import parse_certificate_number
from service.domain.values.calendar import DAY, add_years
from service.domain.values.labelled_enum import Labelled
from service.errors import N_, InvalidInput, Message

VALIDITY_YEARS = 3
NO_APPROVED_PHOTO = N_(
    "该人员没有经审批的照片：还没有照片的，请由所在单位上传近期免冠正面照片；已换上新照片的，待省级主管部门审批后再打印。"
)


class CertificateKind(Labelled):
    LEGACY = "legacy", N_("原有证书")  # typed in with the person (R21)
    ISSUED = "issued", N_("本系统颁发")


class CertificateState(Labelled):
    ISSUED = "issued", N_("待审批")  # made, may be printed, not yet approved by the ministry
    VALID = "valid", N_("有效")  # approved; whether it has expired is computed, never stored
    SUPERSEDED = "superseded", N_("已换新版")  # a renewal, reissue or change of type took its place
    REVOKED = "revoked", N_("已吊销")  # ended by the ministry before its last day
    DEREGISTERED = "deregistered", N_("已注销")  # ended by the ministry after its last day (S77)
    VOID = "void", N_("已作废")  # approval refused and the case closed


_S = CertificateState


class Replacement(Labelled):
    """The kind of edition that took the place of a superseded one."""

    RENEWAL = "renewal", N_("已换证，请查验新版证书")
    REISSUE = "reissue", N_("已补发，本证作废")  # R64
    TYPE_CHANGE = "type_change", N_("资格类型已变更，请查验新版证书")  # R61


class WarningBand(Labelled):
    """The distance to the end of a certificate (R66)."""

    EXPIRED = "expired", N_("已过期")
    DAYS_30 = "30", N_("30 天内到期")
    DAYS_60 = "60", N_("60 天内到期")
    DAYS_90 = "90", N_("90 天内到期")


BAND_DAYS = {WarningBand.DAYS_30: 30, WarningBand.DAYS_60: 60, WarningBand.DAYS_90: 90}
"""Days before the last valid day at which a certificate comes into each band (R66), the narrowest first."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """The facts of one edition that the rules read. ``valid_to`` is its last valid day."""

    issued_on: date
    valid_to: date
    state: CertificateState
    number: str = ""
    edition: int = 1


def initial_valid_to(issued_on: date) -> date:
    """The last valid day of a first certificate: three years less a day from its issue (R55)."""
    return add_years(issued_on, VALIDITY_YEARS) - DAY


def renewed_valid_to(old_valid_to: date) -> date:
    """The last valid day after a renewal, counted from the old one so that early renewal loses nothing (R56)."""
    return initial_valid_to(old_valid_to + DAY)


def current(certificates: Iterable[Certificate]) -> Certificate | None:
    """The edition that counts for a person: the approved one, else the one awaiting approval, else none (R23, R56)."""
    alive = [c for c in certificates if c.state in (_S.VALID, _S.ISSUED)]
    return max(alive, key=lambda c: (c.state is _S.VALID, c.edition, c.valid_to), default=None)


def is_expired(certificate: Certificate, today: date) -> bool:
    """Tell whether an approved certificate's last day is past; on that day itself it is valid (R24)."""
    return certificate.state is _S.VALID and today > certificate.valid_to


def is_in_force(certificate: Certificate, today: date) -> bool:
    """Tell whether it is legally valid today: approved (R59) and not past its last day."""
    return certificate.state is _S.VALID and today <= certificate.valid_to


def days_left(valid_to: date, today: date) -> int:
    """Days until the last valid day: 0 on that day, negative afterwards."""
    return (valid_to - today).days


def warning_bands(today: date) -> dict[WarningBand, tuple[date, date]]:
    """The first and last of the last valid days that lie in each band today (R66).

    Bands do not overlap: each holds what no narrower one does. The last day itself is no expiry (R24).
    """
    bands = {WarningBand.EXPIRED: (date.min, today - DAY)}
    first = today
    for band, days in BAND_DAYS.items():
        last = today + days * DAY
        bands[band] = first, last
        first = last + DAY
    return bands


def warns_until(today: date) -> date:
    """The latest last valid day that warns today (R66)."""
    return max(last for _, last in warning_bands(today).values())


def parse_legacy(
    number: str | None, issued_on: date | None, valid_to: date | None, today: date
) -> tuple[str, date, date]:
    """Check the data of an older certificate typed with a person (R21): its number, day of issue and last valid day.

    A day of issue that was not typed is counted back from the last day; from it the certificate is valid for the years
    of every certificate at most, its last day counted or not: papers say both (R78). Raises ``InvalidInput`` at
    ``certificate_number``, ``certificate_issued_on`` or ``certificate_valid_to``.
    """
    number = parse_certificate_number(number)
    if valid_to is None:
        raise InvalidInput({"certificate_valid_to": N_("请填写原证书的有效期止日。")})
    if issued_on is None and valid_to > initial_valid_to(today):
        raise InvalidInput({"certificate_valid_to": N_("有效期止日超过今天起三年，请对照原证书核对。")})
    issued = issued_on or add_years(valid_to + DAY, -VALIDITY_YEARS)
    if issued > today:
        raise InvalidInput({"certificate_issued_on": N_("发证日期不能晚于今天，请对照原证书核对。")})
    if issued >= valid_to:
        raise InvalidInput({"certificate_valid_to": N_("有效期止日应晚于发证日期，请对照原证书核对。")})
    if valid_to > (latest := add_years(issued, VALIDITY_YEARS)):
        too_long = Message(
            N_("证书自发证日起最多有效 %(years)s 年，即至 %(latest)s，请对照原证书核对。"),
            years=VALIDITY_YEARS,
            latest=latest.isoformat(),
        )
        raise InvalidInput({"certificate_valid_to": too_long})
    return number, issued, valid_to


def obstacle_to_approval(certificate: Certificate) -> Message | None:
    """Return why the ministry cannot approve or refuse it (R60)."""
    if certificate.state is _S.ISSUED:
        return None
    return Message(N_("证书当前为“%(state)s”，不在待审批之列，请刷新页面。"), state=Message(certificate.state.label))


def obstacle_to_printing(certificate: Certificate, has_photo: bool, printed: int, reason: str | None) -> Message | None:
    """Return why it cannot be printed: no approved photo, a dead edition, or no reason for a further print (R57, R58).

    A certificate exists only once its score is confirmed (R54), so that needs no test here.
    """
    if certificate.state not in (_S.ISSUED, _S.VALID):
        return Message(N_("证书当前为“%(state)s”，不能打印。"), state=Message(certificate.state.label))
    if not has_photo:
        return Message(NO_APPROVED_PHOTO)
    if printed > 0 and not (reason or "").strip():
        return Message(N_("本证已打印 %(times)s 次，再次打印请写明原因。"), times=printed)
    return None


def obstacle_to_type_change(certificate: Certificate | None, today: date) -> Message | None:
    """Return why the association cannot change the qualification type: only validity is asked for (R61, S65)."""
    if certificate is None or certificate.state is not _S.VALID:
        return Message(N_("该人员没有有效证书，不能变更资格类型；证书获批后再办理。"))
    if is_expired(certificate, today):
        return _ended(certificate, N_("证书有效期至 %(valid_to)s，已过期，不能变更资格类型。"))
    return None


def obstacle_to_reissue(certificate: Certificate | None, today: date, is_printed: bool = True) -> Message | None:
    """Return why a lost certificate cannot be issued again: there must be a valid one to replace (R64),
    and a paper to lose.
    """
    if certificate is None or certificate.state is not _S.VALID:
        return Message(N_("该人员没有有效证书，无须补办。"))
    if is_expired(certificate, today):
        return _ended(
            certificate, N_("证书有效期至 %(valid_to)s，已过期，不能补办；请先由工信部注销，再参加取证培训。")
        )
    if not is_printed:
        return Message(N_("这一版证书尚未打印，无须补办；请协会打印后领取。"))
    return None


def obstacle_to_deregistration(certificate: Certificate, today: date, renewal_under_way: bool) -> Message | None:
    """Return why the ministry cannot deregister it: only the expired, and not while R25 holds (R62, S77)."""
    if certificate.state is not _S.VALID:
        return Message(N_("证书当前为“%(state)s”，不能注销。"), state=Message(certificate.state.label))
    if not is_expired(certificate, today):
        return _ended(certificate, N_("证书有效期至 %(valid_to)s，尚未过期，不能注销；确需终止请办理吊销。"))
    if renewal_under_way:
        return Message(N_("该人员已在有效期内报名换证，培训尚在进行，办结前不能注销。"))
    return None


def obstacle_to_revocation(certificate: Certificate, today: date) -> Message | None:
    """Return why the ministry cannot revoke it: what has expired is deregistered instead (R62)."""
    if certificate.state is not _S.VALID:
        return Message(N_("证书当前为“%(state)s”，不能吊销。"), state=Message(certificate.state.label))
    if is_expired(certificate, today):
        return _ended(certificate, N_("证书有效期至 %(valid_to)s，已过期，请办理注销。"))
    return None


def _ended(certificate: Certificate, text: str) -> Message:
    return Message(text, valid_to=certificate.valid_to.isoformat())
