"""A row as its history makes it is the row as it stood, whatever happened to it."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import inspect

from service.domain.system.row_states import is_whole, state_at
from service.models.db.clock import now
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.listeners.row_history import UNKNOWN, column_names, default_of, told_value
from service.models.queries.system.row_changes import changes_of
from service.models.tables.notices.notice import Notice

VALUES: dict[str, tuple[Any, ...]] = {
    "title": ("甲", "乙", "丙"),
    "kind": ("notice", "bulletin"),
    "body": ("", "自带证件", "改期"),
    "roles": ([], ["group"], ["group", "enterprise"]),
    "withdraw_reason": (None, "", "有误"),
}


def changed(notice: Notice, chance: random.Random) -> None:
    for name in chance.sample(sorted(VALUES), chance.randint(0, 3)):
        setattr(notice, name, chance.choice(VALUES[name]))


def standing(notice: Notice | None) -> dict[str, Any] | None:
    """The columns of a row as the history tells them."""
    if notice is None:
        return None
    mapper = inspect(Notice)
    return {name: told_value(mapper, name, getattr(notice, key)) for key, name in column_names(mapper).items()}


def test_a_row_is_at_each_instant_what_its_history_makes_it(app: Flask, clock: Any) -> None:
    mapper, chance = inspect(Notice), random.Random(12)
    silent = {c.name: told_value(mapper, c.name, default_of(c)) for c in mapper.columns if default_of(c) is not UNKNOWN}
    counted = {"version", "created_at", "updated_at"}
    for _ in range(12):
        key, stood = new_id(), list[tuple[datetime, dict[str, Any] | None]]()
        for _ in range(chance.randint(2, 9)):
            clock.move(timedelta(minutes=chance.choice((1, 60, 60 * 24))))
            with transaction(Operation("save_bulletin")) as current:
                notice = current.get(Notice, key)
                if notice is not None and chance.random() < 0.2:
                    current.delete(notice)
                else:
                    if notice is None:
                        notice = Notice(id=key, title="甲", kind="notice")
                        current.add(notice)
                    changed(notice, chance)
            stood.append((now(), standing(session().get(Notice, key))))
        changes = changes_of("notice", key)
        assert is_whole(changes)
        assert state_at(changes, stood[0][0] - timedelta(microseconds=1)) is None
        for at, expected in stood:
            made = state_at(changes, at)
            if made is not None and expected is not None:
                known = {name: value for name, value in {**silent, **made}.items() if name not in counted}
                assert known == {name: expected[name] for name in known}
                assert expected.keys() - known.keys() <= counted | {"id"}
            else:
                assert made is expected
