"""Use cases on substitutions: an account appoints a colleague for the days on which it is away, and ends that (R84)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from service.domain.accounts.roles import Role
from service.domain.accounts.substitutes import MOST_AHEAD, MOST_DAYS
from service.errors import N_, Conflict, InvalidInput, Message, NotFound
from service.models.db.clock import now, today
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.accounts import user_list
from service.models.queries.scope import inbox_addresses
from service.models.queries.system.versions_in_force import versions_in_force
from service.models.tables.accounts.substitution import Substitution
from service.models.tables.accounts.user import User
from service.validation.form_reader import FormReader
from service.workflow.accounts.audit_events import account_event
from service.workflow.processes import definitions

NO_COLLEAGUE = N_("请选择本单位同一角色、可以登录的同事。")


@dataclass(frozen=True, slots=True)
class TaskKind:
    """A kind of task that a desk has: ``process/element``, with the names of both."""

    kind: str
    process: str
    name: str


def appoint_substitute(user: User, raw: Mapping[str, str], kinds: Collection[str] = ()) -> Substitution:
    """Appoint a colleague of the same organisation and role: ``substitute``, ``from_day`` to ``until_day``.

    kinds: of the tasks that are done, empty: all. Raises InvalidInput at each field, Conflict when there are too many.
    """
    entry = FormReader(raw)
    substitute_id = entry.id("substitute")
    first, last = entry.date("from_day", required=True), entry.date("until_day", required=True)
    if last and last < today():
        entry.refuse("until_day", N_("这一天已经过去，请填写今天或以后的日期。"))
    elif first and last and last < first:
        entry.refuse("until_day", N_("结束日期不能早于开始日期。"))
    elif first and last and last - first >= timedelta(days=MOST_DAYS):
        entry.refuse("until_day", Message(N_("一次最多 %(n)s 天，到期可以再设。"), n=MOST_DAYS))
    if substitute_id == user.id:
        entry.refuse("substitute", N_("不能由本人代办，请选择同事。"))
    elif substitute_id and substitute_id not in dict(user_list.colleagues(user)):
        entry.refuse("substitute", NO_COLLEAGUE)
    if set(kinds) - {one.kind for one in kinds_of(user)}:
        entry.refuse("kinds", N_("请从列出的事项中选择。"))
    if entry.wrong or substitute_id is None or first is None or last is None:
        raise InvalidInput(entry.wrong)
    with transaction(Operation("appoint_substitute", user.id)) as current:
        both = select(User.id).where(User.id.in_((user.id, substitute_id))).order_by(User.id)
        current.execute(both.with_for_update(key_share=True))  # two who appoint each other take turns
        colleague = User.get(substitute_id) if User.holds_active(substitute_id) else None
        if colleague is None:
            raise InvalidInput({"substitute": NO_COLLEAGUE})
        _refuse_absent(colleague, first, last)
        ahead = select(func.count()).where(Substitution.user_id == user.id, *_stands())
        if (current.scalar(ahead) or 0) >= MOST_AHEAD:
            raise Conflict(Message(N_("最多同时设 %(n)s 项代办，请先结束不用的。"), n=MOST_AHEAD))
        made = Substitution(
            id=new_id(),
            user_id=user.id,
            substitute_id=substitute_id,
            appointed_by=user.id,
            from_day=first,
            until_day=last,
            kinds=sorted(set(kinds)),
        )
        current.add(made)
        current.add(account_event("appoint_substitute", user, None, about=colleague, detail=_detail(made)))
    return made


def end_substitution(user: User, substitution_id: UUID) -> None:
    """End a substitution of one's own at once. Raises NotFound for any other; ended already, nothing changes."""
    with transaction(Operation("end_substitution", user.id)) as current:
        found = current.get(Substitution, substitution_id, with_for_update=True, populate_existing=True)
        if found is None or found.user_id != user.id:
            raise NotFound
        if found.ended_at is not None:
            return
        found.ended_at = now()
        colleague = User.get(found.substitute_id)
        current.add(account_event("end_substitution", user, None, about=colleague, detail=_detail(found)))


def substitutions_of(user: User) -> list[tuple[Substitution, User]]:
    """List the substitutions of an account that run or are to come, with the substitute, by day."""
    return _listed(Substitution.user_id == user.id, Substitution.substitute_id)


def stands_in_for(user: User) -> list[tuple[Substitution, User]]:
    """List the substitutions in which the account stands in now or later, with the absent one, by day."""
    return _listed(Substitution.substitute_id == user.id, Substitution.user_id)


def kinds_of(user: User) -> list[TaskKind]:
    """List the kinds of task that the processes in force have for the user's desk, or for whom a case decides."""
    others = set(Role) - {Role(role) for _, role in inbox_addresses(user)}
    found = []
    for version in versions_in_force():
        read = definitions.definition(version.digest)
        for key, element in read.elements.items():
            if element.type == "userTask" and element.role not in others:
                found.append(TaskKind(f"{version.key}/{key}", version.name, element.name))
    return found


def _listed(whose: Any, other_id: Any) -> list[tuple[Substitution, User]]:
    other = aliased(User)
    query = select(Substitution, other).join(other, other.id == other_id).where(whose, *_stands())
    return [(row[0], row[1]) for row in session().execute(query.order_by(Substitution.from_day, Substitution.id))]


def _refuse_absent(substitute: User, first: date, last: date) -> None:
    """Refuse who is away themselves on one of the days: nobody would do what is handed round in a circle."""
    away = select(Substitution).where(
        Substitution.user_id == substitute.id,
        Substitution.ended_at.is_(None),
        Substitution.from_day <= last,
        Substitution.until_day >= first,
    )
    if (found := session().scalars(away.order_by(Substitution.from_day).limit(1)).one_or_none()) is not None:
        given = {"name": substitute.display_name, "first": found.from_day, "last": found.until_day}
        said = N_("%(name)s %(first)s 至 %(last)s 也请了人代办，代办不能再转给别人；请另选同事，或改日期。")
        raise InvalidInput({"substitute": Message(said, **{name: str(value) for name, value in given.items()})})


def _stands() -> tuple[Any, ...]:
    return Substitution.ended_at.is_(None), Substitution.until_day >= today()


def _detail(found: Substitution) -> dict[str, str]:
    told = {"from_day": found.from_day.isoformat(), "until_day": found.until_day.isoformat()}
    return told | ({"kinds": " ".join(found.kinds)} if found.kinds else {})
