"""How long certificates are valid, when they warn, and what may be done with them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from service.domain.certificates.certificates import (
    Certificate,
    CertificateState,
    Replacement,
    WarningBand,
    current,
    days_left,
    initial_valid_to,
    is_expired,
    is_in_force,
    obstacle_to_approval,
    obstacle_to_deregistration,
    obstacle_to_printing,
    obstacle_to_reissue,
    obstacle_to_revocation,
    obstacle_to_type_change,
    parse_legacy,
    renewed_valid_to,
    warning_bands,
    warns_until,
)
from service.domain.certificates.verification import NOT_FOUND, statement, unit_name
from service.errors import InvalidInput, Message

LAST = date(2026, 12, 31)
DAY = timedelta(days=1)


def certificate(state: CertificateState = CertificateState.VALID, valid_to: date = LAST) -> Certificate:
    return Certificate(date(2024, 1, 1), valid_to, state, "37202400000017")


@pytest.mark.parametrize(
    ("issued_on", "valid_to"),
    [
        (date(2010, 11, 1), date(2013, 10, 31)),
        (date(2024, 2, 29), date(2027, 2, 28)),
        (date(2021, 2, 28), date(2024, 2, 27)),
        (date(2023, 8, 15), date(2026, 8, 14)),
    ],
)
def test_r55_a_first_certificate_is_valid_three_years_less_a_day(issued_on: date, valid_to: date) -> None:
    assert initial_valid_to(issued_on) == valid_to


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (date(2013, 10, 31), date(2016, 10, 31)),
        (date(2024, 2, 29), date(2027, 2, 28)),
        (date(2021, 2, 28), date(2024, 2, 29)),
    ],
)
def test_r56_a_renewal_counts_from_the_old_last_day(old: date, new: date) -> None:
    assert renewed_valid_to(old) == new


def test_r24_the_last_day_is_still_valid() -> None:
    assert not is_expired(certificate(), LAST)
    assert is_expired(certificate(), LAST + DAY)
    assert is_in_force(certificate(), LAST)
    assert not is_in_force(certificate(), LAST + DAY)


def test_r59_a_certificate_awaiting_approval_is_not_in_force() -> None:
    assert not is_in_force(certificate(CertificateState.ISSUED), LAST)


def test_r56_the_old_edition_counts_until_the_new_one_is_approved() -> None:
    old, new = certificate(), Certificate(date(2026, 9, 1), date(2029, 12, 31), CertificateState.ISSUED, edition=2)
    assert current([old, new]) is old
    approved = Certificate(new.issued_on, new.valid_to, CertificateState.VALID, edition=2)
    assert current([certificate(CertificateState.SUPERSEDED), approved]) is approved
    assert current([new]) is new


def test_r23_void_deregistered_and_revoked_certificates_count_for_nothing() -> None:
    dead = (CertificateState.VOID, CertificateState.DEREGISTERED, CertificateState.REVOKED, CertificateState.SUPERSEDED)
    assert current(certificate(state) for state in dead) is None
    assert current([]) is None


@pytest.mark.parametrize(
    ("left", "band"),
    [
        (91, None),
        (90, WarningBand.DAYS_90),
        (61, WarningBand.DAYS_90),
        (60, WarningBand.DAYS_60),
        (31, WarningBand.DAYS_60),
        (30, WarningBand.DAYS_30),
        (0, WarningBand.DAYS_30),
        (-1, WarningBand.EXPIRED),
    ],
)
def test_r66_warnings_begin_90_60_and_30_days_before_the_end(left: int, band: WarningBand | None) -> None:
    today = LAST - left * DAY
    assert days_left(LAST, today) == left
    assert [b for b, (first, last) in warning_bands(today).items() if first <= LAST <= last] == [band] * bool(band)
    assert (warns_until(today) >= LAST) is (band is not None)


def test_r58_printing_needs_a_photo_and_each_further_print_a_reason() -> None:
    assert obstacle_to_printing(certificate(), has_photo=True, printed=0, reason=None) is None
    assert "照片" in str(obstacle_to_printing(certificate(), has_photo=False, printed=0, reason=None))
    assert "原因" in str(obstacle_to_printing(certificate(), has_photo=True, printed=1, reason="  "))
    assert obstacle_to_printing(certificate(), has_photo=True, printed=1, reason="卡纸") is None


def test_r57_printing_does_not_wait_for_approval_but_a_dead_edition_is_not_printed() -> None:
    assert obstacle_to_printing(certificate(CertificateState.ISSUED), has_photo=True, printed=0, reason=None) is None
    for state in CertificateState:
        if state not in (CertificateState.ISSUED, CertificateState.VALID):
            assert obstacle_to_printing(certificate(state), has_photo=True, printed=0, reason=None) is not None


def test_r60_only_what_awaits_approval_is_approved_or_refused() -> None:
    for state in CertificateState:
        assert (obstacle_to_approval(certificate(state)) is None) == (state is CertificateState.ISSUED)


def test_r61_the_type_may_change_on_the_last_valid_day_and_not_on_the_next() -> None:
    assert obstacle_to_type_change(certificate(), LAST) is None
    assert "2026-12-31" in str(obstacle_to_type_change(certificate(), LAST + DAY))
    assert obstacle_to_type_change(certificate(CertificateState.ISSUED), LAST) is not None
    assert obstacle_to_type_change(None, LAST) is not None


def test_r62_deregistration_begins_the_day_after_the_end_and_revocation_ends_there() -> None:
    assert obstacle_to_deregistration(certificate(), LAST, renewal_under_way=False) is not None
    assert obstacle_to_deregistration(certificate(), LAST + DAY, renewal_under_way=False) is None
    assert obstacle_to_revocation(certificate(), LAST) is None
    assert obstacle_to_revocation(certificate(), LAST + DAY) is not None
    for state in set(CertificateState) - {CertificateState.VALID}:
        assert obstacle_to_deregistration(certificate(state), LAST + DAY, renewal_under_way=False) is not None
        assert obstacle_to_revocation(certificate(state), LAST) is not None


def test_r25_an_expired_certificate_under_renewal_is_not_deregistered() -> None:
    assert "换证" in str(obstacle_to_deregistration(certificate(), LAST + DAY, renewal_under_way=True))


def test_r64_only_a_valid_certificate_is_issued_again() -> None:
    assert obstacle_to_reissue(certificate(), LAST) is None
    assert obstacle_to_reissue(certificate(), LAST + DAY) is not None
    assert obstacle_to_reissue(certificate(CertificateState.ISSUED), LAST) is not None
    assert obstacle_to_reissue(None, LAST) is not None


def test_r21_a_legacy_certificate_needs_a_last_day_after_its_issue() -> None:
    today = date(2026, 11, 24)
    number, issued_on, valid_to = parse_legacy("37202400001", date(2024, 1, 19), date(2027, 1, 18), today)
    assert (number, issued_on, valid_to) == ("37202400001", date(2024, 1, 19), date(2027, 1, 18))
    assert parse_legacy("37202400001", None, date(2027, 1, 18), today)[1] == date(2024, 1, 19)
    for issued, last, field in (
        (date(2024, 1, 19), None, "certificate_valid_to"),
        (date(2024, 1, 19), date(2024, 1, 19), "certificate_valid_to"),
        (date(2026, 11, 25), date(2027, 1, 18), "certificate_issued_on"),
        (None, date(2030, 1, 1), "certificate_valid_to"),
    ):
        with pytest.raises(InvalidInput) as caught:
            parse_legacy("37202400001", issued, last, today)
        assert set(caught.value.fields) == {field}


@pytest.mark.parametrize(
    ("issued", "last", "is_read"),
    [
        (date(2025, 1, 1), date(2027, 12, 31), True),
        (date(2025, 1, 1), date(2028, 1, 1), True),
        (date(2025, 1, 1), date(2028, 1, 2), False),
        (date(2024, 2, 29), date(2027, 2, 28), True),
        (date(2024, 2, 29), date(2027, 3, 1), True),
        (date(2024, 2, 29), date(2027, 3, 2), False),
        (date(2025, 1, 1), date(2075, 1, 1), False),
        (date(1900, 1, 1), date(9999, 12, 31), False),
        (date(2025, 1, 1), date(2025, 1, 2), True),
        (None, date(2075, 1, 1), False),
        (None, date(9999, 12, 31), False),
    ],
)
def test_r78_an_older_certificate_is_valid_for_the_years_of_every_certificate_at_most(
    issued: date | None, last: date, is_read: bool
) -> None:
    today = date(2026, 11, 24)
    if is_read:
        assert parse_legacy("37201888999", issued, last, today)[2] == last
        return
    with pytest.raises(InvalidInput) as caught:
        parse_legacy("37201888999", issued, last, today)
    assert set(caught.value.fields) == {"certificate_valid_to"}


def test_r59_r64_r17_the_public_page_says_what_holds() -> None:
    assert statement(certificate(), LAST) == Message("有效")
    assert statement(certificate(), LAST + DAY) == Message("已过期")
    assert statement(certificate(CertificateState.ISSUED), LAST) == Message("待审批")
    assert statement(certificate(CertificateState.VOID), LAST) == Message("已作废")
    superseded = certificate(CertificateState.SUPERSEDED)
    assert statement(superseded, LAST, replaced_by=Replacement.REISSUE) == Message("已补发，本证作废")
    assert statement(certificate(), LAST, holder_deregistered=True) == Message("持证人已注销")


def test_r67_there_is_one_answer_for_what_is_not_found() -> None:
    assert str(NOT_FOUND).startswith("未查询到")


def test_r10_a_renamed_unit_is_shown_with_the_printed_name() -> None:
    assert str(unit_name("新名公司", "旧名公司")) == "新名公司（原名：旧名公司）"
    assert str(unit_name("新名公司", "新名公司")) == "新名公司"


def test_r65_after_a_transfer_the_present_unit_stands_first() -> None:
    assert str(unit_name("接收公司", "转出公司")).startswith("接收公司")
