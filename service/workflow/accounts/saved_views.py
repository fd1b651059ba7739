"""Views of lists, saved by an account and shared with its colleagues of the same role."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select

from service.errors import N_, Conflict, InvalidInput, Message, NotFound
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.saved_view import SavedView
from service.models.tables.accounts.user import User
from service.validation.form_reader import FormReader

MOST_VIEWS = 12  # of one account on one list
MOST_CHARACTERS = 20


def save_view(user: User, list_name: str, arguments: Mapping[str, str], raw: Mapping[str, str]) -> SavedView:
    """Save what a list is narrowed to, under the ``view_name`` typed; ``shared`` for the colleagues, too.

    arguments: as the list's declared filters have read them. Raises InvalidInput, Conflict when there are too many.
    """
    entry = FormReader(raw)
    name = entry.text("view_name", MOST_CHARACTERS, required=True)
    entry.check()
    if not arguments:
        raise InvalidInput({"view_name": N_("请先选择条件，再存为视图。")})
    with transaction(Operation("save_view", user.id)) as current:
        own = and_(SavedView.user_id == user.id, SavedView.list_name == list_name)
        current.execute(select(User.id).where(User.id == user.id).with_for_update())  # two at once are counted in turn
        if (current.scalar(select(func.count()).select_from(SavedView).where(own)) or 0) >= MOST_VIEWS:
            raise Conflict(Message(N_("每个列表最多存 %(n)s 个视图，请先删除不用的。"), n=MOST_VIEWS))
        view = SavedView(
            user_id=user.id,
            organisation_id=user.organisation_id,
            role=user.role,
            list_name=list_name,
            name=name,
            arguments=dict(arguments),
            is_shared=bool(raw.get("shared")),
        )
        current.add(view)
    return view


def views_of(user: User, list_name: str) -> list[SavedView]:
    """List the views of a list that the user has: own ones, then those that colleagues share, as they were saved."""
    query = select(SavedView).where(SavedView.list_name == list_name, _is_visible(user))
    own_first = SavedView.user_id != user.id
    return list(session().scalars(query.order_by(own_first, SavedView.created_at, SavedView.id).limit(2 * MOST_VIEWS)))


def remove_view(user: User, view_id: UUID) -> None:
    """Remove a view of one's own. Raises NotFound for any other."""
    with transaction(Operation("remove_view", user.id)) as current:
        view = current.get(SavedView, view_id, with_for_update=True)
        if view is None or view.user_id != user.id:
            raise NotFound
        current.delete(view)


def _is_visible(user: User) -> ColumnElement[bool]:
    same_desk = and_(SavedView.organisation_id == user.organisation_id, SavedView.role == user.role)
    return or_(SavedView.user_id == user.id, and_(same_desk, SavedView.is_shared))
