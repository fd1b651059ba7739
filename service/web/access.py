"""Who may open which page. Every view says so by one of the three marks; ``guard`` is the one place that enforces it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from flask import current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user
from flask_wtf.csrf import CSRFProtect

from service.domain.permissions import Action, may
from service.domain.roles import ADMINISTRATORS, Role
from service.errors import NotAllowed, SignInNeeded
from service.models import User, now, setting

View = TypeVar("View", bound=Callable[..., Any])

logins = LoginManager()
csrf = CSRFProtect()


def needs(*actions: Action) -> Callable[[View], View]:
    """The view is for roles that may do one of ``actions`` (domain.md §9); where they may is scope's matter."""
    return lambda view: _mark(view, actions)


def signed_in(view: View) -> View:
    """The view is for everyone who has signed in."""
    return _mark(view, ())


def public(view: View) -> View:
    """The view is for everyone."""
    return _mark(view, None)


def before_password(view: View) -> View:
    """The view is open to an account whose first password is not changed yet (R2)."""
    view.before_password = True  # type: ignore[attr-defined]
    return view


def _mark(view: View, actions: tuple[Action, ...] | None) -> View:
    view.access = actions  # type: ignore[attr-defined]
    return view


def guard() -> ResponseReturnValue | None:
    """Before every page: CSRF, then the session, then the first password, then the role.

    Raises SignInNeeded and NotAllowed; a view without a mark is a programming error (KeyError).
    """
    if current_app.config["WTF_CSRF_ENABLED"]:
        csrf.protect()
    view = current_app.view_functions[str(request.endpoint)]
    actions: tuple[Action, ...] | None = vars(view)["access"]
    if actions is None:
        return None
    if not current_user.is_authenticated:
        raise SignInNeeded
    if current_user.must_change and not hasattr(view, "before_password"):
        return redirect(url_for("session.password"))
    if actions and not any(may(Role(current_user.role), action) for action in actions):
        raise NotAllowed
    return None


@logins.user_loader
def load_user(remembered: str) -> User | None:
    """The account of the session, unless it was disabled, its sessions were ended (epoch), or its time is up."""
    user_id, _, epoch = remembered.partition(":")
    user = User.get(UUID(user_id))
    if user is None or not user.is_active or str(user.epoch) != epoch or _is_over(Role(user.role)):
        session.pop("_user_id")
        return None
    g.user_id = user.id
    return user


def begin_session() -> None:
    """Start the times of a session that has just signed in."""
    session["began"] = session["seen"] = int(now().timestamp())


def _is_over(role: Role) -> bool:
    """Whether the session has ended; if not, a request made by hand is remembered, to the minute."""
    at = int(now().timestamp())
    limit = setting.number("session_hours") * 3600
    idle = 60 * setting.number("administrator_session_minutes" if role in ADMINISTRATORS else "session_minutes")
    if at - session.get("began", 0) >= limit or at - session.get("seen", 0) >= idle:
        return True
    if at - session["seen"] >= 60 and "X-Background" not in request.headers:
        session["seen"] = at
    return False
