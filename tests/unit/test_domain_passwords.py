"""Passwords and lock-outs (R2, domain.md §5.1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service.domain.accounts.passwords import (
    check_password,
    idle_limit,
    is_stale,
    locked_until,
    make_first_password,
)
from service.domain.accounts.roles import Role
from service.errors import InvalidInput

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    "password", ["7#92!kQ48$51", "correct horse 7 Battery", "Shan3-dong-qiao", "民爆安全培训-Ab1系统", "Tr0ub4dor&3x"]
)
def test_r2_long_and_varied_passwords_are_taken(password: str) -> None:
    check_password(password, "enterprise-1")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("Ab1!ab1!x", "至少 10 位"),
        ("Ab1!" * 40, "最多 128 位"),
        ("abcdefghijklm", "至少三种"),
        ("abcdefgh1234", "至少三种"),
        ("Xx-Province-37", "登录名"),
        ("Password123", "太常见"),
        ("P@ssw0rd2024!", "太常见"),
        ("Admin@123456", "太常见"),
        ("Aa123456789", "太常见"),
        ("Qwer1234!@#$", "太常见"),
        ("1qaz@WSX123", "太常见"),
        ("Aa1Aa1Aa1Aa1", "太常见"),
    ],
)
def test_r2_weak_passwords_are_refused_with_the_reason(password: str, why: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_password(password, "province-37")
    assert why in str(caught.value.fields["new_password"])


def test_r2_first_passwords_are_random_and_good() -> None:
    made = {make_first_password() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        check_password(password, "province-37")
        assert not set(password) & set("0O1lI")


def test_five_failures_within_15_minutes_lock_for_30() -> None:
    failures = [NOON + i * MINUTE for i in (0, 3, 7, 11, 15)]
    assert locked_until(failures, NOON + 15 * MINUTE) == NOON + 45 * MINUTE
    assert locked_until(failures, NOON + 45 * MINUTE) is None
    assert locked_until(failures[:4], NOON + 12 * MINUTE) is None


def test_five_failures_spread_wider_do_not_lock() -> None:
    failures = [NOON + i * MINUTE for i in (0, 3, 7, 11, 16)]
    assert locked_until(failures, NOON + 16 * MINUTE) is None


def test_passwords_are_changed_after_90_days() -> None:
    assert not is_stale(NOON, NOON + timedelta(days=90))
    assert is_stale(NOON, NOON + timedelta(days=90, seconds=1))


def test_administrators_may_idle_half_as_long() -> None:
    assert idle_limit(Role.SYS_ADMIN) == 15 * MINUTE
    assert idle_limit(Role.ENTERPRISE) == 30 * MINUTE
