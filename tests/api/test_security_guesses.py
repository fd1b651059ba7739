"""Guesses, sent at once or from a shared address: the limits of account and source (domain.md §5.1)."""

from __future__ import annotations

import itertools
import threading
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from service.domain.accounts.attempts import QUERIES_OF_NUMBER, SIGN_INS
from service.errors import SignInNeeded, TooManyAttempts
from service.infrastructure.http_server import HOLD_ANSWER
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.attempt import Attempt
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
        together.wait(20)
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
        authentication._reserve_try(authentication._keys(user.login, "10.0.0.2"), 5)
    with pytest.raises(TooManyAttempts):
        authentication.check_password(user.login, "Blasting-Caps-2026", "10.0.0.1")
    clock.move(authentication.TRY_LIFETIME)
    assert authentication.check_password(user.login, "Blasting-Caps-2026", "10.0.0.1").id == user.id


def make_known(login: str, source: str) -> None:
    authentication.check_password(login, RIGHT, source)


def make_failures(count: int, source: str) -> None:
    """Failed sign-ins of as many logins that nobody has, so that no login is locked."""
    with transaction(Operation("test")) as current:
        current.add_all(
            Attempt(kind=authentication.FAILURE, key=authentication._keys("", source).source) for _ in range(count)
        )


def make_lock(login: str) -> None:
    with transaction(Operation("test")) as current:
        key = authentication._keys(login, HERE).account
        current.add_all(Attempt(kind=authentication.FAILURE, key=key) for _ in range(5))


RIGHT, WRONG = "Blasting-Caps-2026", "Guess-Of-Somebody-1"
HERE = "10.0.3.1"
SLOWED = SIGN_INS.free + 3
CELLS = list(
    itertools.product(
        ("here", "elsewhere"),
        ("known", "stranger", "nobody", "locked"),
        (0, SIGN_INS.free - 1, SIGN_INS.free, SLOWED),
        (RIGHT, WRONG),
    )
)


def cheap(user: Any, password: str) -> bool:
    return user is not None and password == RIGHT


def ask(login: str, password: str, source: str) -> tuple[int, int]:
    """The status and the seconds to wait."""
    try:
        authentication.check_password(login, password, source)
    except SignInNeeded:
        return 401, 0
    except TooManyAttempts as refused:
        return 429, refused.retry_after
    return 200, 0


def test_a_source_that_fails_slows_strangers_alone_and_other_sources_not(
    app: Flask, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Source × account × failures of the source × password."""
    monkeypatch.setattr(authentication, "matches", cheap)
    wrong = []
    for n, (place, account, failures, password) in enumerate(CELLS):
        user, here = authority_user(), f"10.1.{n}.1"
        if account == "known":
            make_known(user.login, here)
        if account == "locked":
            make_lock(user.login)
        make_failures(failures, here)
        login = f"nobody-{n}" if account == "nobody" else user.login
        source = here if place == "here" else f"10.2.{n}.1"
        wait = {SIGN_INS.free: 1, SLOWED: 8}.get(failures, 0)
        is_slow = bool(wait) and place == "here" and account in ("stranger", "nobody")
        heard = (200 if password == RIGHT and account in ("known", "stranger") else 401, 0)
        expected = (429, 1800) if account == "locked" else (429, wait) if is_slow else heard
        answers = [ask(login, password, source)]
        if is_slow:  # a refused try neither counts nor makes the wait longer
            clock.move(timedelta(seconds=wait - 0.5))
            answers.append(ask(login, password, source))
            clock.move(timedelta(seconds=0.5))
            answers.append(ask(login, password, source))
        if answers != ([expected, (429, 1), heard] if is_slow else [expected]):
            wrong.append((place, account, failures, password, answers))
    assert not wrong


def test_of_guesses_of_many_logins_at_once_only_the_free_ones_of_the_source_are_checked(
    app: Flask, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []

    def matches(user: Any, password: str) -> bool:
        checked.append(password)
        together.wait(20)
        return False

    together = threading.Barrier(5)  # as many as the source has left are checked at the same moment
    make_failures(SIGN_INS.free - 5, HERE)
    session().rollback()

    def guess(n: int) -> None:
        with app.app_context(), pytest.raises((SignInNeeded, TooManyAttempts)):
            authentication.check_password(f"nobody-{n}", WRONG, HERE)

    monkeypatch.setattr(authentication, "matches", matches)
    guessers = [threading.Thread(target=guess, args=(n,)) for n in range(GUESSERS)]
    for one in guessers:
        one.start()
    for one in guessers:
        one.join()
    assert len(checked) == 5


def test_a_source_is_forgotten_that_an_account_has_not_used_for_long(
    app: Flask, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "matches", cheap)
    user = authority_user()
    make_known(user.login, HERE)
    clock.move(authentication.FAMILIAR_FOR)
    authentication.forget_old_attempts()
    assert session().scalar(select(func.count()).select_from(Attempt)) == 0
    make_failures(SLOWED, HERE)
    with pytest.raises(TooManyAttempts):
        authentication.check_password(user.login, RIGHT, HERE)


def test_a_refusal_says_when_to_try_again_on_pages_and_both_interfaces(app: Flask, clock: Any) -> None:
    make_failures(SLOWED, HERE)
    client, address = app.test_client(), {"REMOTE_ADDR": HERE}
    answers = [
        client.post("/sign-in", data={"login": "nobody", "password": WRONG}, environ_base=address),
        client.get("/api/v1/me", auth=("nobody", WRONG), environ_base=address),
        client.get("/engine-rest/task", auth=("nobody", WRONG), environ_base=address),
    ]
    assert [(one.status_code, one.headers["Retry-After"]) for one in answers] == [(429, "8")] * 3
    asked = {"number": "37202600000011", "name": "陈戊辰"}
    seen = [client.post("/verify", data=asked, environ_base=address) for _ in range(QUERIES_OF_NUMBER.free + 1)]
    assert [one.status_code for one in seen] == [404] * QUERIES_OF_NUMBER.free + [429]
    assert seen[-1].headers["Retry-After"] == "1"


def test_a_refusal_is_held_back_and_nothing_else_is(app: Flask, clock: Any) -> None:
    make_failures(SLOWED, HERE)
    held: list[float] = []
    client, here = app.test_client(), {"REMOTE_ADDR": HERE, HOLD_ANSWER: held.append}
    client.get("/sign-in", environ_base=here)
    client.post(
        "/sign-in", data={"login": "nobody", "password": WRONG}, environ_base=here | {"REMOTE_ADDR": "10.0.3.2"}
    )
    assert held == []
    client.post("/sign-in", data={"login": "nobody", "password": WRONG}, environ_base=here)
    client.get("/api/v1/me", auth=("nobody", WRONG), environ_base=here)
    assert held == [2.0, 2.0]
