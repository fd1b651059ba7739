"""Guesses sent at once cannot step over the limit of an account (domain.md §5.1)."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from service.errors import SignInNeeded, TooManyAttempts
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.attempt import Attempt
from service.workflow.accounts import authentication
from service.workflow.accounts.passwords import hash_password
from tests.builders.world import authority_user, fresh

GUESSERS = 24


def test_of_guesses_sent_at_once_only_the_limit_is_checked(
    app: Flask, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = authority_user().login
    session().rollback()
    checked, answers = [], []
    together = threading.Barrier(GUESSERS)
    slow = authentication.matches

    def matches(user: Any, password: str) -> bool:
        checked.append(password)
        return slow(user, password)

    def guess(n: int) -> None:
        together.wait()
        with app.app_context():
            try:
                authentication.check_password(login, f"Guess-{n}-Of-Many", f"10.0.1.{n}")
            except (SignInNeeded, TooManyAttempts) as refused:
                answers.append(type(refused))

    monkeypatch.setattr(authentication, "matches", matches)
    guessers = [threading.Thread(target=guess, args=(n,)) for n in range(GUESSERS)]
    for one in guessers:
        one.start()
    for one in guessers:
        one.join()
    assert len(answers) == GUESSERS
    assert 1 <= len(checked) <= 5
    tries = select(func.count()).select_from(Attempt).where(Attempt.kind == authentication.TRY)
    assert session().scalar(tries) == 0


def test_a_try_whose_process_died_bars_nobody_for_long(app: Flask, clock: Any) -> None:
    user = authority_user()
    with transaction(Operation("test")):
        fresh(user).password_hash = hash_password("Blasting-Caps-2026")
    for _ in range(5):
        authentication._reserve_try(authentication._failure_key(user.login), 5)
    with pytest.raises(TooManyAttempts):
        authentication.check_password(user.login, "Blasting-Caps-2026", "10.0.0.1")
    clock.move(authentication.TRY_LIFETIME)
    assert authentication.check_password(user.login, "Blasting-Caps-2026", "10.0.0.1").id == user.id
