"""Authorization of pages. Every view carries one of the three marks; ``guard`` is the one place that enforces it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from flask import current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user
from flask_wtf.csrf import CSRFProtect

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import ADMINISTRATORS, Role
from service.errors import NotAllowed, SignInNeeded
from service.models.db.clock import now
from service.models.tables import setting
from service.models.tables.user import User

View = TypeVar("View", bound=Callable[..., Any])

IDLE, LONGEST, ENDED = (
    "idle",
    "longest",
    "ended",
)  # why a session is over: nothing done, lasted long enough, ended elsewhere

logins = LoginManager()
csrf = CSRFProtect()


def requires_permission(*actions: Action) -> Callable[[View], View]:
    """The view is for roles that may do one of ``actions`` (domain.md §9); where they may is scope's matter."""
    return lambda view: _mark(view, actions)


def login_required(view: View) -> View:
    """The view is for everyone who has signed in."""
    return _mark(view, ())


def public(view: View) -> View:
    """The view is for everyone."""
    return _mark(view, None)


def allows_expired_password(view: View) -> View:
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
    is_good = user is not None and user.is_active and str(user.epoch) == epoch
    over = _why_over(Role(user.role)) if user is not None and is_good else [ENDED, 0]
    if user is None or over is not None:
        session.pop("_user_id")
        session["over"] = over  # told where the reader is asked to sign in again
        return None
    g.user_id = user.id
    return user


def begin_session() -> None:
    """Start the times of a session that has just signed in."""
    session["began"] = session["seen"] = int(now().timestamp())


def seconds_left() -> tuple[int, int]:
    """Until the reader's session ends if nothing more is done, and until it ends in any case."""
    at, (minutes, hours) = int(now().timestamp()), _limits(Role(current_user.role))
    until = session["began"] + hours * 3600 - at
    return min(session["seen"] + minutes * 60 - at, until), until


def _why_over(role: Role) -> list[str | int] | None:
    """The reason why the session has ended,
    and the limit it ran into; None when it goes on: a request by hand is then remembered.
    """
    at, (minutes, hours) = int(now().timestamp()), _limits(role)
    if at - session.get("began", 0) >= hours * 3600:
        return [LONGEST, hours]
    if at - session.get("seen", 0) >= minutes * 60:
        return [IDLE, minutes]
    if at - session["seen"] >= 60 and "X-Background" not in request.headers:
        session["seen"] = at
    return None


def _limits(role: Role) -> tuple[int, int]:
    """Minutes that a session of the role may idle, and hours that it may last."""
    idle = "administrator_session_minutes" if role in ADMINISTRATORS else "session_minutes"
    return setting.number(idle), setting.number("session_hours")
