"""Accounts: who has one, a new one with its first password, and disabling, resetting, unlocking (R1, R2, R4)."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import Role, managed_by
from service.errors import N_, InvalidInput, NotFound
from service.models.queries.accounts import user_list
from service.models.queries.units import unit_list
from service.models.tables.accounts.user import User
from service.validation.messages import NOT_AN_OPTION
from service.validation.typed_text import as_id
from service.web.presenters import labels
from service.web.shell import query_params
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import flash_success, rerender_on_error
from service.web.shell.list_page import render_list
from service.workflow.accounts import administration

bp = Blueprint("users", __name__)


@bp.get("/users")
@requires_permission(Action.MANAGE_USERS, Action.UNLOCK_USER)
def index() -> ResponseReturnValue:
    home = query_params.key("unit")
    unit = unit_list.visible_name(current_user, home) if home else ""
    return render_list("users", "users.index", "pages/users/index.html", unit=unit)


def managed() -> list[Role]:
    """The roles whose accounts the reader sees."""
    return managed_by(Role(current_user.role))


@bp.get("/users/new")
@requires_permission(Action.MANAGE_USERS)
def new() -> ResponseReturnValue:
    asked = request.values.get("role")
    role = asked if asked in managed() else ""
    homes = user_list.homes(current_user, administration.KIND_OF_ROLE.get(Role(role), ("platform",))) if role else []
    return render_template(
        "pages/users/new.html", role=role, roles=labels.options(managed()), homes=labels.pairs(homes)
    )


@bp.post("/users")
@requires_permission(Action.MANAGE_USERS)
@rerender_on_error(new)
def create() -> ResponseReturnValue:
    given = request.form
    user, password = administration.create_user(
        current_user,
        login=given.get("login", "").strip(),
        display_name=given.get("display_name", ""),
        role=_role(),
        organisation_id=_home(),
    )
    return render_template("pages/users/password.html", user=user, password=password, is_new=True)


def _role() -> Role:
    if request.form.get("role") not in managed():
        raise InvalidInput({"role": NOT_AN_OPTION})
    return Role(request.form["role"])


def _home() -> UUID:
    if (found := as_id(request.form.get("organisation_id", ""))) is None:
        raise InvalidInput({"organisation_id": NOT_AN_OPTION})
    return found


@bp.post("/users/<uuid:user_id>/reset")
@requires_permission(Action.MANAGE_USERS)
def reset(user_id: UUID) -> ResponseReturnValue:
    password = administration.reset_password(current_user, user_id)
    return render_template("pages/users/password.html", user=_account(user_id), password=password, is_new=False)


@bp.post("/users/<uuid:user_id>/disable")
@requires_permission(Action.MANAGE_USERS)
def disable(user_id: UUID) -> ResponseReturnValue:
    administration.disable_user(current_user, user_id)
    flash_success(N_("账号已停用，其登录已全部退出。"), undo=url_for(".enable", user_id=user_id))
    return redirect(url_for(".index"))


@bp.post("/users/<uuid:user_id>/enable")
@requires_permission(Action.MANAGE_USERS)
def enable(user_id: UUID) -> ResponseReturnValue:
    administration.enable_user(current_user, user_id)
    flash_success(N_("账号已恢复使用。"))
    return redirect(url_for(".index", **query_params.with_query()))


@bp.post("/users/<uuid:user_id>/unlock")
@requires_permission(Action.UNLOCK_USER)
def unlock(user_id: UUID) -> ResponseReturnValue:
    administration.unlock(current_user, user_id)
    flash_success(N_("账号已解锁。"))
    return redirect(url_for(".index", **query_params.with_query()))


def _account(user_id: UUID) -> User:
    user = User.get(user_id)
    if user is None:
        raise NotFound
    return user
