"""Authorization of pages. Every view carries one of the three marks; ``guard`` is the one place that enforces it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Request, current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user
from flask_wtf.csrf import CSRFProtect

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.errors import NotAllowed, SignInNeeded
from service.models.tables.accounts.user import User
from service.workflow.accounts import sessions

View = TypeVar("View", bound=Callable[..., Any])

SESSION_KEY = "key"  # all that the cookie holds of a session; the rest of it is appearance, flashes and the CSRF token

logins = LoginManager()
logins.session_protection = None  # the key alone decides, looked up at every request
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


@logins.request_loader
def load_user(_request: Request) -> User | None:
    """The account of the cookie's session, unless that is over: told where the reader is asked to sign in again."""
    key = session.get(SESSION_KEY)
    if not isinstance(key, str):
        return None
    found = sessions.resume(key, is_by_hand="X-Background" not in request.headers)
    if isinstance(found, sessions.SessionEnd):
        session.pop(SESSION_KEY)
        session["over"] = list(found)
        return None
    g.user_id, g.current_session = found.user.id, found
    return found.user


def current_session() -> sessions.CurrentSession:
    """The session of a reader who has signed in."""
    found: sessions.CurrentSession = g.current_session
    return found
