"""A version against its cases: back-tests of one that is not in force yet, migrations of those that run."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.errors import N_, Conflict, DefinitionRefused, InvalidInput, Message, NotFound
from service.models.db.clock import CHINA, today
from service.models.tables.runtime.process import DefinitionVersion
from service.models.tables.runtime.version_change import BacktestRun, RunState
from service.validation.fields import MAX_INTEGER
from service.validation.form_reader import FormReader
from service.validation.typed_text import as_whole
from service.web.presenters.panels import studio_words
from service.web.presenters.replay import replay_frames
from service.web.shell import previews, query_params
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import flash_success, refresh_user, rerender_on_error
from service.web.views.runtime.processes import drawn_names, heat
from service.workflow.processes import definitions
from service.workflow.processes.definitions import Listed
from service.workflow.processes.sent_files import accept
from service.workflow.runtime import history
from service.workflow.versions import background_runs, backtests, bundles, case_migrations, drafts, process_changes
from service.workflow.versions.background_runs import Run

bp = Blueprint("version_changes", __name__)

DRAFT, A_YEAR = "draft", timedelta(days=365)
SHOWN = 100  # cases that cannot go, on a page of a preview

KINDS = {
    "same": N_("不变"),
    "path": N_("走别的路"),
    "timing": N_("定时不同"),
    "data": N_("数据不同"),
    "stuck": N_("停在新环节"),
    "no_place": N_("输入没有去处"),
    "no_result": N_("没有当时的处理结果"),
    "error": N_("出错"),
}


def _versions(key: str) -> list[Listed]:
    """The versions of a process, the newest first. Raises NotFound."""
    if found := definitions.listing(key):
        return found
    raise NotFound


def _numbered(versions: list[Listed], given: str) -> DefinitionVersion:
    return definitions.numbered(versions, as_whole(given, 1, MAX_INTEGER)).version


@bp.get("/processes/<key>/backtest")
@requires_permission(Action.EDIT_PROCESSES)
def ask_backtest(key: str) -> ResponseReturnValue:
    """Offer what is not in force yet first: the draft, else the version that waits for approval."""
    versions, day = [it.version for it in _versions(key)], today() - A_YEAR
    change, has_draft = process_changes.open_change(key), key in set(drafts.keys())
    proposed = next((it.number for it in versions if change and it.digest == change.definition), None)
    newest = DRAFT if has_draft else str(proposed or next((it.number for it in versions if it.current), ""))
    running, ended = backtests.sizes_of(current_user, key, datetime.combine(day, time(), CHINA))
    return render_template(
        "pages/processes/backtest.html",
        versions=versions,
        proposed=proposed,
        has_draft=has_draft,
        chosen=query_params.text("version", 20) or newest,
        running=running,
        ended=ended,
        day=day,
        runs=backtests.listing(key),
    )


@bp.post("/processes/<key>/backtest")
@requires_permission(Action.EDIT_PROCESSES)
@rerender_on_error(ask_backtest, DefinitionRefused)
def begin_backtest(key: str) -> ResponseReturnValue:
    versions, form = _versions(key), request.form
    sent = {file.filename: file.read() for file in request.files.getlist("files") if file.filename}
    if sent:
        found = [files for _, files in bundles.bundles_of(accept(sent))]
        if len(found) != 1:
            raise InvalidInput({"files": N_("一次只能回测一个流程的文件。")})
        files = dict(found[0])
    elif form.get("version") == DRAFT:
        files = {name: text.encode() for name, text in drafts.open_draft(key).files.items()}
    else:
        files = definitions.files(_numbered(versions, form.get("version", "")).digest)
    run = backtests.begin(current_user, files, _since(), _sample(), key)
    return redirect(url_for(".show_backtest", backtest_id=run.id))


def _since() -> datetime | None:
    """The beginning of a civil day. Raises InvalidInput."""
    entry = FormReader(request.form)
    day = entry.date("since")
    entry.check()
    return datetime.combine(day, time(), CHINA) if day else None


def _sample() -> int | None:
    given = request.form.get("sample", "").strip()
    number = as_whole(given, 1, backtests.MAX_SAMPLE)
    if given and number is None:
        raise InvalidInput({"sample": N_("抽样件数应在 1 到 100,000 之间。")})
    return number


@bp.get("/backtests/<uuid:backtest_id>")
@requires_permission(Action.EDIT_PROCESSES)
def show_backtest(backtest_id: UUID) -> ResponseReturnValue:
    run = backtests.find(current_user, backtest_id)
    kind, element = query_params.choice("kind", KINDS), query_params.text("element", 200)
    counts = {name: sum(found.values()) for name, found in run.counts.items()}
    by_element: dict[str, int] = {}
    for name, found in run.counts.items():
        for place, count in found.items() if name != "same" else ():
            by_element[place] = by_element.get(place, 0) + count
    return _shown(
        run,
        "pages/processes/backtest_run.html",
        stop=url_for(".stop_backtest", backtest_id=run.id),
        resume=url_for(".resume_backtest", backtest_id=run.id),
        kinds=KINDS,
        counts=counts,
        waiting=by_element,
        heat=heat(by_element),
        drawn=_drawn_names(run),
        gone={place: by_element[place] for place in by_element.keys() - backtests.names_of(run).keys() - {""}},
        in_force=_in_force(run.process),
        drawn_names=drawn_names,
        names=_names(run),
        cases=backtests.differing(current_user, run, kind, element),
        kind=kind,
        element=element,
    )


def _in_force(process: str) -> DefinitionVersion | None:
    return next((it.version for it in definitions.listing(process) if it.version.current), None)


def _names(run: BacktestRun) -> dict[str, str]:
    """Names of elements, in the version in force and in that under test, as the reader reads them."""
    found, read = backtests.names_of(run), _drawn_names(run)
    in_force = _in_force(run.process)
    before = replay_frames.element_names(in_force.digest) if in_force else {}
    return before | {element: read.get(name, name) for element, name in found.items()}


def _drawn_names(run: BacktestRun) -> dict[str, str]:
    """Names in the diagram under test that read differently in the reader's language; it may not be deployed yet."""
    definition = backtests.definition_of(run)
    return studio_words.drawn_names(definition.files[run.main].decode("utf-8-sig"), definition.english)


@bp.get("/backtests/<uuid:backtest_id>.bpmn")
@requires_permission(Action.EDIT_PROCESSES)
def tested_diagram(backtest_id: UUID) -> Response:
    run = backtests.find(current_user, backtest_id)
    return Response(backtests.diagram_of(run), mimetype="application/xml")


@bp.post("/backtests/<uuid:backtest_id>/stop")
@requires_permission(Action.EDIT_PROCESSES)
@rerender_on_error(show_backtest, Conflict)
def stop_backtest(backtest_id: UUID) -> ResponseReturnValue:
    background_runs.stop(current_user, backtests.find(current_user, backtest_id))
    flash_success(N_("已取消。"))
    return redirect(url_for(".show_backtest", backtest_id=backtest_id))


@bp.post("/backtests/<uuid:backtest_id>/resume")
@requires_permission(Action.EDIT_PROCESSES)
@rerender_on_error(show_backtest, Conflict)
def resume_backtest(backtest_id: UUID) -> ResponseReturnValue:
    background_runs.resume(current_user, backtests.find(current_user, backtest_id))
    return redirect(url_for(".show_backtest", backtest_id=backtest_id))


@bp.get("/backtests/<uuid:backtest_id>/cases/<uuid:case_id>")
@requires_permission(Action.EDIT_PROCESSES)
def compare(backtest_id: UUID, case_id: UUID) -> ResponseReturnValue:
    """One case on both versions, way beside way."""
    run, case = backtests.find(current_user, backtest_id), history.open_case(current_user, case_id)
    found = backtests.compare(current_user, run, case_id)
    return render_template(
        "pages/processes/compare.html",
        run=run,
        case=case,
        found=found,
        kinds=KINDS,
        ways=(ways := backtests.ways_of(found)),
        parted=next((n for n, (was, now) in enumerate(ways, 1) if was != now), None),
        names=replay_frames.element_names(case.definition) | _names(run),
    )


def _ask_migration(key: str) -> ResponseReturnValue:
    return _migration_page(key)


@bp.get("/processes/<key>/migrate")
@requires_permission(Action.MIGRATE_CASES)
@rerender_on_error(_ask_migration)
def ask_migration(key: str) -> ResponseReturnValue:
    if previews.recall() is None:
        return _ask_migration(key)
    forecast = case_migrations.preview(current_user, _asked(key))
    refresh_user()
    return _migration_page(key, forecast)


def _asked(key: str) -> case_migrations.Migration:
    versions = _versions(key)
    source = _numbered(versions, request.args.get("version", ""))
    target = _numbered(versions, request.args.get("target", ""))
    given = {
        name.removeprefix("to-"): value
        for name, value in previews.typed().items()
        if name.startswith("to-") and len(name) < 200
    }
    return case_migrations.asked_for(source.digest, target.digest, given, query_params.key("back_of"))


def _migration_page(key: str, forecast: case_migrations.Forecast | None = None) -> str:
    versions, asked = _versions(key), _asked(key)
    return render_template(
        "pages/processes/migrate.html",
        versions=[it.version for it in versions],
        source=definitions.version(asked.source),
        target=definitions.version(asked.target),
        asked=asked,
        choices=case_migrations.choices(asked) if asked.source != asked.target else [],
        forecast=forecast,
        heats=[heat(found) for found in (forecast.here, forecast.there)] if forecast else [],
        names=replay_frames.element_names(asked.target) | replay_frames.element_names(asked.source),
        drawn=drawn_names(asked.source) | drawn_names(asked.target),
        cases=case_migrations.named(current_user, [it.case_id for it in forecast.problems[:SHOWN]]) if forecast else {},
        most=SHOWN,
        runs=case_migrations.listing(key),
        unfinished=case_migrations.unfinished(key),
    )


@bp.post("/processes/<key>/migrate")
@requires_permission(Action.MIGRATE_CASES)
@rerender_on_error(_ask_migration, Conflict)
def begin_migration(key: str) -> ResponseReturnValue:
    if request.form.get("then") != "migrate":
        return previews.keep()
    run = case_migrations.begin(current_user, _asked(key), request.form.get("reason", ""))
    previews.forget()
    return redirect(url_for(".show_migration", migration_id=run.id))


def _shown(run: Run, page: str, **values: Any) -> ResponseReturnValue:
    """The page of a run; its progress asks for itself while the run goes on, and for the whole page at the end."""
    if "HX-Request" not in request.headers:
        return render_template(page, run=run, **values)
    answer = make_response(render_template("pages/processes/progress.html", run=run, **values))
    if run.state != RunState.RUNNING:
        answer.headers["HX-Refresh"] = "true"
    return answer


@bp.get("/migrations/<uuid:migration_id>")
@requires_permission(Action.MIGRATE_CASES)
def show_migration(migration_id: UUID) -> ResponseReturnValue:
    run = case_migrations.find(current_user, migration_id)
    source, target = case_migrations.versions_of(run)
    refused: list[tuple[Any, ...]] = [(case, place, Message.from_json(why)) for case, place, why in run.refused]
    return _shown(
        run,
        "pages/processes/migration_run.html",
        stop=url_for(".stop_migration", migration_id=run.id),
        resume=url_for(".resume_migration", migration_id=run.id),
        source=source,
        target=target,
        refused=refused,
        cases=case_migrations.named(current_user, [UUID(case) for case, _, _ in run.refused]),
        names=replay_frames.element_names(run.target) | replay_frames.element_names(run.source),
    )


@bp.post("/migrations/<uuid:migration_id>/stop")
@requires_permission(Action.MIGRATE_CASES)
@rerender_on_error(show_migration, Conflict)
def stop_migration(migration_id: UUID) -> ResponseReturnValue:
    background_runs.stop(current_user, case_migrations.find(current_user, migration_id))
    flash_success(N_("已取消；已经迁移的案卷不变。"))
    return redirect(url_for(".show_migration", migration_id=migration_id))


@bp.post("/migrations/<uuid:migration_id>/resume")
@requires_permission(Action.MIGRATE_CASES)
@rerender_on_error(show_migration, Conflict)
def resume_migration(migration_id: UUID) -> ResponseReturnValue:
    background_runs.resume(current_user, case_migrations.find(current_user, migration_id))
    return redirect(url_for(".show_migration", migration_id=migration_id))
