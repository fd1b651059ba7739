"""What the tests of ``/api/v1`` need: the people of the stage with a password, and a client that signs as one of them."""

from __future__ import annotations

from typing import Any

from argon2 import PasswordHasher
from flask.testing import FlaskClient
from sqlalchemy import select

from service.api.http.auth import credential_cache
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from tests.builders.stage import Stage, make_stage

PASSWORD = "Blasting-Caps-2026"
HASH = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)  # cheap: the tests check many


def make_world() -> Stage:
    """The stage, everybody with the password."""
    credential_cache.forget()
    stage = make_stage()
    give_password()
    return stage


def give_password() -> None:
    """Let every account sign in with the password."""
    with transaction(Operation("test")):
        for user in session().scalars(select(User)):
            user.password_hash = HASH


class Machine:
    """A client of ``/api/v1`` that signs every request as one account."""

    def __init__(self, client: FlaskClient, user: User, language: str = "") -> None:
        self._client, self._auth = client, (user.login, PASSWORD)
        self._headers = {"Accept-Language": language} if language else {}

    def get(self, path: str, **query: Any) -> Any:
        return self.send("GET", path, query_string=query)

    def post(self, path: str, content: Any = None, **headers: str) -> Any:
        return self.send("POST", path, content, headers=headers)

    def patch(self, path: str, content: Any, **headers: str) -> Any:
        return self.send("PATCH", path, content, headers=headers)

    def send(self, method: str, path: str, content: Any = None, **more: Any) -> Any:
        more["headers"] = {
            **self._headers,
            **{name.replace("_", "-"): text for name, text in more.get("headers", {}).items()},
        }
        if content is not None:
            more["json"] = content
        return self._client.open(f"/api/v1{path}", method=method, auth=self._auth, **more)


def told(answer: Any, status: int = 200) -> Any:
    """The content of an answer that must have this status."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.json
