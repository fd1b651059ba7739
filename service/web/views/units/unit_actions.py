"""Actions on a unit as a whole: another name, another kind, deletion; and units that have not entered their data."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, logout_user

from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import UNIT_ROLES, Role
from service.domain.units.unit_fields import UNIT_FIELDS
from service.domain.units.units import (
    UnitKind,
    missing_fields,
    obstacle_to_deletion,
)
from service.errors import N_, Conflict, Message, NotFound
from service.models.queries.scope import get_or_404_in_scope
from service.models.queries.system import form_options
from service.models.queries.units import unit_completeness, unit_list
from service.models.tables.units.organisation import AcademyLink, Organisation
from service.validation.typed_text import as_id
from service.web.shell import query_params
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import flash_success, rerender_on_error
from service.web.shell.list_page import read_filter, render_list
from service.workflow.notices import notices
from service.workflow.units import academy_links, unit_changes

bp = Blueprint("unit_actions", __name__)

MAX_TICKED = 500  # units ticked in one submission
MAX_REMINDED = 5_000  # units reminded at once


@bp.get("/units/<uuid:unit_id>/rename")
@requires_permission(Action.RENAME_UNIT)
def rename_form(unit_id: UUID) -> ResponseReturnValue:
    return render_template("pages/unit_actions/rename.html", unit=_live(unit_id))


@bp.post("/units/<uuid:unit_id>/rename")
@requires_permission(Action.RENAME_UNIT)
@rerender_on_error(rename_form, Conflict)
def rename(unit_id: UUID) -> ResponseReturnValue:
    unit = unit_changes.rename_unit(current_user, unit_id, request.form.get("name", ""))
    flash_success(Message(N_("单位名称已变更为“%(name)s”。"), name=unit.name))
    return redirect(url_for("units.show", unit_id=unit_id))


@bp.get("/units/<uuid:unit_id>/convert")
@requires_permission(Action.CONVERT_UNIT)
def convert_form(unit_id: UUID) -> ResponseReturnValue:
    """To which kind, under which group, and what follows from it (R7, R8)."""
    unit = _live(unit_id)
    kinds = [kind for kind in (UnitKind.BRANCH, UnitKind.GROUP, UnitKind.ENTERPRISE) if kind != unit.kind]
    groups = [(key, name) for key, name in unit_list.groups() if key not in (unit.id, unit.parent_id)]
    return render_template(
        "pages/unit_actions/convert.html",
        unit=unit,
        kinds=kinds,
        groups=groups,
        branches=unit_changes.branches(unit.id),
        accounts=unit_changes.accounts_of(unit.id),
        asked=query_params.choice("to", [str(k) for k in kinds]),
    )


@bp.post("/units/<uuid:unit_id>/convert")
@requires_permission(Action.CONVERT_UNIT)
@rerender_on_error(convert_form, Conflict)
def convert(unit_id: UUID) -> ResponseReturnValue:
    unit_changes.convert_unit(current_user, unit_id, request.form.get("to", ""), _group())
    flash_success(N_("单位已转换，人员、证书和账号随单位保留。"))
    return redirect(url_for("units.show", unit_id=unit_id))


def _group() -> UUID | None:
    return as_id(request.form.get("group", ""))


@bp.get("/units/<uuid:unit_id>/delete")
@requires_permission(Action.DELETE_UNIT)
def confirm_deletion(unit_id: UUID) -> ResponseReturnValue:
    unit = _live(unit_id)
    persons, branches = unit_list.live_persons(unit.id), unit_changes.branches(unit.id)
    return render_template(
        "pages/unit_actions/delete.html",
        unit=unit,
        obstacle=obstacle_to_deletion(persons, branches),
        persons=persons,
        drafts=unit_changes.drafts_of(unit.id),
        accounts=unit_changes.accounts_of(unit.id),
        is_own=current_user.organisation_id == unit.id,
    )


@bp.post("/units/<uuid:unit_id>/delete")
@requires_permission(Action.DELETE_UNIT)
@rerender_on_error(confirm_deletion, Conflict)
def delete(unit_id: UUID) -> ResponseReturnValue:
    is_own = current_user.organisation_id == unit_id
    unit = unit_changes.delete_unit(current_user, unit_id)
    if is_own:  # the account that asked has ended with its unit (R5)
        logout_user()
        flash_success(Message(N_("“%(name)s”已删除，您的账号随之停用。"), name=unit.name))
        return redirect(url_for("session.sign_in"))
    flash_success(Message(N_("“%(name)s”已删除，其账号已停用。"), name=unit.name))
    return redirect(url_for("units.index"))


@bp.get("/units/<uuid:unit_id>/institutions")
@requires_permission(Action.EDIT_ACADEMY)
def institutions_form(unit_id: UUID) -> ResponseReturnValue:
    """Choose the training institutions that may enrol the persons of an academy (S62, C7)."""
    unit = _academy(unit_id)
    linked = [str(key) for key in AcademyLink.institutions_of(unit.id)]
    return render_template(
        "pages/unit_actions/institutions.html",
        unit=unit,
        institutions=form_options.choices("institutions"),
        linked=linked,
    )


@bp.post("/units/<uuid:unit_id>/institutions")
@requires_permission(Action.EDIT_ACADEMY)
@rerender_on_error(institutions_form, Conflict)
def institutions(unit_id: UUID) -> ResponseReturnValue:
    academy_links.link_academy(current_user, unit_id, query_params.chosen("institutions", MAX_TICKED))
    flash_success(N_("关联的培训机构已保存。"))
    return redirect(url_for("units.show", unit_id=unit_id))


def _academy(unit_id: UUID) -> Organisation:
    unit = _live(unit_id)
    if unit.kind != UnitKind.ACADEMY:
        raise NotFound
    return unit


@bp.get("/units/unentered")
@requires_permission(Action.ADD_UNIT)
def unentered() -> ResponseReturnValue:
    """List the units that have not entered their data yet, to be reminded (S14)."""
    return render_list("unentered", "unit_actions.unentered", "pages/unit_actions/unentered.html", gaps=_gaps)


def _gaps(row: unit_completeness.Row) -> list[str]:
    """The names of the fields its record lacks."""
    record = {one.input_name: getattr(row, one.key) for one in UNIT_FIELDS.fields if not one.is_optional}
    return [UNIT_FIELDS.input_labels[name] for name in missing_fields(UnitKind(row.kind), record)]


@bp.post("/units/unentered")
@requires_permission(Action.ADD_UNIT)
@rerender_on_error(unentered)
def remind() -> ResponseReturnValue:
    chosen = _to_remind()
    sent = notices.remind(current_user, chosen, request.form.to_dict())
    if sent.lately:
        flash_success(
            Message(N_("已催报 %(n)s 家；另有 %(m)s 家近日已催报过，未重复发送。"), n=sent.with_account, m=sent.lately),
            kind="warn",
        )
    elif sent.with_account or not sent.without_account:
        flash_success(Message(N_("已催报 %(n)s 家，其账号登录后即可看到。"), n=sent.with_account))
    if sent.without_account:
        text = N_("%(n)s 家还没有账号，开通后才能看到催报；请先为其开通账号，或电话联系。")
        flash_success(Message(text, n=sent.without_account), kind="warn")
    return redirect(url_for(".unentered", **query_params.with_query()))


@bp.get("/units/reminders")
@requires_permission(Action.ADD_UNIT)
def reminders() -> ResponseReturnValue:
    """List the reminders that were sent, and what came of them (S14)."""
    return render_list("reminders", "unit_actions.reminders", "pages/unit_actions/reminders.html", urged=notices.URGED)


def _to_remind() -> list[UUID]:
    """The unit whose button was pressed, all of the list, or those that were ticked."""
    if only := request.form.get("only"):
        return [query_params.sent_id(only)]
    if request.form.get("all"):
        return unit_completeness.matching_ids(current_user, read_filter("unentered"), MAX_REMINDED)
    return query_params.chosen("unit", MAX_TICKED)


def _live(unit_id: UUID) -> Organisation:
    """A live unit in the reader's scope; a unit's own users have but their own (R70)."""
    unit = get_or_404_in_scope(current_user, Organisation, unit_id)
    is_foreign = Role(current_user.role) in UNIT_ROLES and unit.id != current_user.organisation_id
    if not unit.is_unit or unit.state == "deleted" or is_foreign:
        raise NotFound
    return unit
