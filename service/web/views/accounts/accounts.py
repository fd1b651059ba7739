"""One account: its page and history, changing it,
and what is asked before it is disabled, reset or let in (R2, R4, 三员).

The list, new accounts and first passwords: users.py. Also one's own account,
and the privacy notice that everybody reads once.
"""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.config import settings
from service.domain.accounts import privacy
from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import Role, changes_need_assent, needs_assent
from service.errors import N_, Conflict, Message, NotFound
from service.models.db.clock import now
from service.models.queries.accounts import user_list
from service.models.queries.persons.person_history import versions_of
from service.models.queries.runtime import inbox
from service.models.queries.scope import get_or_404_in_scope
from service.models.tables.accounts.user import User
from service.models.tables.units.organisation import Organisation
from service.web.presenters import labels
from service.web.shell.authorization import (
    allows_expired_password,
    current_session,
    login_required,
    requires_permission,
)
from service.web.shell.form_errors import flash_success, rerender_on_error
from service.web.shell.questions import Question, asks
from service.web.shell.redirects import local_address
from service.web.views.accounts.session import origin
from service.web.views.accounts.users import managed
from service.workflow.accounts import account_profiles, administration, preferences, sessions

bp = Blueprint("accounts", __name__)

HISTORY = ("display_name", "organisation_id", "role", "phone_masked", "mail_masked", "state", "awaits_assent")


@bp.record_once
def _register(setup: BlueprintSetupState) -> None:
    """The privacy notice comes before every page."""
    setup.app.before_request(check_privacy)


READ_FIRST = N_("请先阅读个人信息处理告知，再重新提交；刚才的操作没有保存。")


def check_privacy() -> ResponseReturnValue | None:
    """Lead who has not read the notice in force to it, before every act whatever its method; nothing is done before."""
    view = current_app.view_functions.get(str(request.endpoint))
    actions = getattr(view, "access", None)
    if actions is None or hasattr(view, "before_password"):
        return None
    if not current_user.is_authenticated or current_user.must_change or current_user.privacy_version >= privacy.VERSION:
        return None
    if request.method != "GET":
        raise Conflict(READ_FIRST)
    return redirect(url_for("accounts.show_privacy", next=request.full_path.rstrip("?")))


@bp.get("/privacy")
@login_required
@allows_expired_password
def show_privacy() -> ResponseReturnValue:
    is_new = current_user.privacy_version < privacy.VERSION
    return render_template("pages/accounts/privacy.html", sections=privacy.SECTIONS, is_new=is_new)


@bp.post("/privacy")
@login_required
@allows_expired_password
def accept_privacy() -> ResponseReturnValue:
    preferences.accept_privacy(current_user)
    return redirect(local_address(request.form.get("next", "")))


@bp.get("/users/<uuid:user_id>")
@requires_permission(Action.MANAGE_USERS, Action.UNLOCK_USER)
def show(user_id: UUID) -> ResponseReturnValue:
    user = _account(user_id)
    return render_template(
        "pages/accounts/show.html",
        user=user,
        versions=versions_of(user.id, HISTORY)[:20],
        now=now(),
        is_own=user.id == current_user.id,
    )


@bp.get("/users/<uuid:user_id>/edit")
@requires_permission(Action.MANAGE_USERS)
def edit(user_id: UUID) -> ResponseReturnValue:
    user = _account(user_id)
    homes = user_list.homes(current_user, administration.KIND_OF_ROLE.get(Role(user.role), ("platform",)))
    is_other = user.id != current_user.id
    return render_template(
        "pages/accounts/edit.html",
        user=user,
        homes=labels.pairs(homes),
        needs_assent=is_other and changes_need_assent(Role(current_user.role), Role(user.role)),
    )


@bp.post("/users/<uuid:user_id>/edit")
@requires_permission(Action.MANAGE_USERS)
@rerender_on_error(edit, Conflict)
def modify(user_id: UUID) -> ResponseReturnValue:
    account_profiles.modify_user(current_user, user_id, request.form)
    flash_success(N_("账号已修改。"))
    return redirect(url_for(".show", user_id=user_id))


@bp.get("/account")
@login_required
def own() -> ResponseReturnValue:
    """The reader's own account: telephone and mail, which mails are wanted, and where it is signed in."""
    return render_template(
        "pages/accounts/own.html",
        wanted=current_user.preferences.get("mails", ()),
        has_mail=settings().mail is not None,
        sessions=sessions.sessions_of(current_user),
        current=current_session().id,
    )


@bp.post("/account")
@login_required
@rerender_on_error(own)
def save_own() -> ResponseReturnValue:
    account_profiles.save_own(current_user, request.form)
    flash_success(N_("已保存。"))
    return redirect(url_for(".own"))


@bp.post("/account/sessions/<uuid:session_id>/end")
@login_required
@allows_expired_password
def end_own_session(session_id: UUID) -> ResponseReturnValue:
    if sessions.end_session(current_user, session_id, origin()):
        flash_success(N_("该处登录已退出。"))
    return redirect(url_for(".own"))


@bp.post("/account/sessions/end-others")
@login_required
@allows_expired_password
def end_other_sessions() -> ResponseReturnValue:
    sessions.end_other_sessions(current_user, current_session().id, origin())
    flash_success(N_("其他地方的登录已全部退出。"))
    return redirect(url_for(".own"))


@bp.get("/users/<uuid:user_id>/disable")
@requires_permission(Action.MANAGE_USERS)
def confirm_disabling(user_id: UUID) -> ResponseReturnValue:
    user = _account(user_id)
    return render_template(
        "pages/accounts/disable.html",
        user=user,
        claimed=inbox.count_mine(user),
        obstacle=administration.obstacle_to_disabling(current_user, user),
    )


@bp.get("/users/<uuid:user_id>/reset")
@requires_permission(Action.MANAGE_USERS)
def confirm_reset(user_id: UUID) -> ResponseReturnValue:
    user = _account(user_id)
    return render_template(
        "pages/accounts/reset.html",
        user=user,
        obstacle=administration.obstacle_to_reset(current_user, user),
        needs_assent=needs_assent(Role(current_user.role)),
    )


@bp.post("/users/<uuid:user_id>/assent")
@requires_permission(Action.GRANT_ROLES)
@rerender_on_error(show, Conflict)
def assent(user_id: UUID) -> ResponseReturnValue:
    administration.assent(current_user, user_id)
    flash_success(N_("已同意，该账号可以登录。"))
    return redirect(url_for("users.index", state="waiting"))


def _refusal(user_id: UUID) -> Question:
    found = _account(user_id)
    return Question(
        title=Message(N_("不同意账号“%(name)s”？"), name=found.display_name),
        consequence=N_("账号随即停用；以后恢复时仍须您同意。"),
        verb=N_("不同意"),
        way_back=url_for(".show", user_id=user_id),
    )


@bp.post("/users/<uuid:user_id>/refuse")
@requires_permission(Action.GRANT_ROLES)
@rerender_on_error(show, Conflict)
@asks(_refusal)
def refuse(user_id: UUID) -> ResponseReturnValue:
    administration.refuse_assent(current_user, user_id)
    flash_success(N_("未同意，该账号已停用。"))
    return redirect(url_for("users.index", state="waiting"))


@bp.post("/users/<uuid:user_id>/sign-out")
@requires_permission(Action.CHANGE_POLICY)
def end_sessions(user_id: UUID) -> ResponseReturnValue:
    administration.end_sessions(current_user, user_id)
    flash_success(N_("该账号的登录已全部退出。"))
    return redirect(url_for(".show", user_id=user_id))


def _account(user_id: UUID) -> User:
    """An account of an organisation in scope, in a role whose accounts the reader sees (R1, R70)."""
    user = User.get(user_id)
    if user is None or user.role not in managed():
        raise NotFound
    get_or_404_in_scope(current_user, Organisation, user.organisation_id)
    return user
