"""Sign-in, sign-out, password, language and appearance."""

from __future__ import annotations

from flask import Blueprint, jsonify, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.devices import describe_device
from service.errors import N_, SignInNeeded, TooManyAttempts
from service.web.presenters.formatting import LANGUAGES
from service.web.shell.authorization import (
    SESSION_KEY,
    allows_expired_password,
    current_session,
    login_required,
    public,
)
from service.web.shell.form_errors import flash_success, rerender_on_error
from service.web.shell.redirects import local_address, split_address
from service.web.shell.request_routes import CHECKS_PASSWORD
from service.workflow.accounts import authentication, passwords, preferences, sessions

bp = Blueprint("session", __name__)
CHECKS_PASSWORD.update({f"{bp.name}.enter", f"{bp.name}.change_password"})

CHOICES = {"language": tuple(LANGUAGES), "theme": ("light", "dark"), "text": ("", "large")}


@bp.get("/sign-in")
@public
def sign_in() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(url_for("home.index"))
    return render_template("pages/session/sign_in.html")


def sign_in_form() -> ResponseReturnValue:
    return render_template("pages/session/sign_in.html")


@bp.post("/sign-in")
@public
@rerender_on_error(sign_in_form, SignInNeeded, TooManyAttempts)
def enter() -> ResponseReturnValue:
    user, key = authentication.sign_in(request.form.get("login", ""), request.form.get("password", ""), origin())
    kept = {name: session[name] for name in CHOICES if name in session}
    session.clear()  # a new session, so that nobody can have planted one
    session.update(user.preferences | kept | {SESSION_KEY: key})
    return redirect(_way_back())


@bp.post("/sign-out")
@login_required
@allows_expired_password
def sign_out() -> ResponseReturnValue:
    sessions.end_session(current_user, current_session().id, origin())
    kept = {name: session[name] for name in CHOICES if name in session}
    session.clear()
    session.update(kept)
    return redirect(url_for(".sign_in"))


@bp.get("/session")
@login_required
@allows_expired_password
def remaining() -> ResponseReturnValue:
    """Tell how long the session still lasts; a page asks by itself, which does not prolong it."""
    return _remaining()


@bp.post("/session")
@login_required
@allows_expired_password
def prolong() -> ResponseReturnValue:
    """继续: the reader is still there."""
    return _remaining()


def _remaining() -> ResponseReturnValue:
    idle, until = current_session().seconds_left()
    return jsonify(left=idle, until=until)


@bp.get("/password")
@login_required
@allows_expired_password
def password() -> ResponseReturnValue:
    return render_template("pages/session/password.html", is_stale=passwords.is_stale(current_user))


@bp.post("/password")
@login_required
@allows_expired_password
@rerender_on_error(password)
def change_password() -> ResponseReturnValue:
    given = request.form
    _, session[SESSION_KEY] = authentication.change_password(
        current_user, given.get("present", ""), given.get("new", ""), given.get("again", ""), origin()
    )
    flash_success(N_("密码已修改，其他地方的登录已全部退出。"))
    return redirect(url_for("home.index"))


@bp.post("/language")
@public
def choose_language() -> ResponseReturnValue:
    return _choose()


@bp.post("/appearance")
@public
def appearance() -> ResponseReturnValue:
    return _choose()


@bp.app_template_global()
def session_left() -> tuple[int, int]:
    """Seconds until the reader's session ends: if nothing is done, and in any case."""
    return current_session().seconds_left()


@bp.app_template_global()
def password_days_left() -> int | None:
    """The days that the user's password has left, told in the last week."""
    return passwords.days_left(current_user)


def _choose() -> ResponseReturnValue:
    """Keep the choices made, with the account if there is one, and go back to where they were made."""
    chosen = {name: request.form[name] for name, known in CHOICES.items() if request.form.get(name) in known}
    session.update(chosen)
    if chosen and current_user.is_authenticated:
        preferences.set_preferences(current_user, chosen)
    if "X-Background" in request.headers:
        return make_response("", 204)
    referrer = split_address(request.referrer)
    return redirect(local_address(referrer.path + (f"?{referrer.query}" if referrer.query else "")))


def _way_back() -> str:
    """The page from which the sign-in was asked for; never another site."""
    return local_address(request.args.get("next", ""))


def origin() -> sessions.Origin:
    """Describe the origin of the request, as a session tells its owner."""
    return sessions.Origin(source(), describe_device(request.user_agent.string))


def source() -> str:
    """The address of the client, for counting failures."""
    return request.remote_addr or "0.0.0.0"  # noqa: S104 - an unknown address, not one to listen on
