"""What administrators, processes and the daily work do to one row of each noun, as ``raced_business`` has it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from service.models.db.clock import today
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.tables.runtime.case import Incident, Task
from service.models.tables.runtime.version_change import BacktestRun, MigrationRun, RunState
from service.web.views.persons.person_import import spell
from service.workflow.accounts import (
    account_profiles,
    administration,
    authentication,
    console,
    form_drafts,
    passwords,
    preferences,
    saved_views,
    sessions,
    substitutions,
)
from service.workflow.persons import person_import, retention
from service.workflow.runtime import incident_retry, incidents, jobs, mends, tasks
from service.workflow.runtime.mends import Mend
from service.workflow.system import audit_samples, daily_digest, exports, sealing, settings
from service.workflow.training import enrollments, plans
from service.workflow.versions import background_runs, backtests, case_migrations, deployments, drafts
from service.workflow.versions.case_migrations import asked_for
from tests.api.test_pages_person_import import book, cells
from tests.builders.raced_business import WHY, Acts, Ground, account_of
from tests.builders.world import authority_id, begin_session, identity_number, make_user
from tests.process import small_process

PASSWORD, NEW_PASSWORD = "Blasting-Caps-2026", "Detonating-Cord-2027"
HERE = sessions.Origin("10.0.0.7", "Chrome 126 · Windows")
TYPE = {"name": "又一种", "active": "true", "initial_hours": "48", "refresher_hours": "16", "renewal_hours": "24"}
TYPE |= {"pass_mark": "60"}
NAMED = {"view_name": "我的视图"}
OPERATOR = {"who": "root", "host": "here"}


def account(ground: Ground, _serial: int) -> Acts:
    made = make_user("ministry", authority_id("ministry"))
    found, login, names = made.id, made.login, {"display_name": "张甲子"}

    return {
        "name": lambda who: account_profiles.modify_user(who("sys_admin"), found, {"display_name": "钱乙丑"}),
        "phone": lambda who: account_profiles.modify_user(who("sys_admin"), found, names | {"phone": "13800000001"}),
        "own phone": lambda _: account_profiles.save_own(account_of(found), {"phone": "13800000002"}),
        "language": lambda _: preferences.set_preferences(account_of(found), {"language": "en"}),
        "theme": lambda _: preferences.set_preferences(account_of(found), {"theme": "dark"}),
        "privacy": lambda _: preferences.accept_privacy(account_of(found)),
        "reset": lambda who: administration.reset_password(who("sys_admin"), found),
        "disable": lambda who: administration.disable_user(who("sys_admin"), found),
        "enable": lambda who: administration.enable_user(who("sys_admin"), found),
        "unlock": lambda who: administration.unlock(who("security_admin"), found),
        "sign out": lambda who: administration.end_sessions(who("security_admin"), found),
        "unlock at the console": lambda _: console.unlock_account(login, OPERATOR),
        "reset at the console": lambda _: console.reset_account(login, OPERATOR),
    }


def new_account(ground: Ground, serial: int) -> Acts:
    given = {"display_name": "张甲子", "role": "enterprise", "organisation_id": ground.stage.unit.id}
    return {"make": lambda who: administration.create_user(who("sys_admin"), login=f"made-{serial}", **given)}


def awaited_account(_ground: Ground, _serial: int) -> Acts:
    found = make_user("ministry", authority_id("ministry"), awaits_assent=True).id
    return {
        "assent": lambda who: administration.assent(who("security_admin"), found),
        "refuse": lambda who: administration.refuse_assent(who("security_admin"), found),
        "name": lambda who: account_profiles.modify_user(who("sys_admin"), found, {"display_name": "钱乙丑"}),
    }


def signed_in_account(ground: Ground, serial: int) -> Acts:
    hashed = passwords.hash_password(PASSWORD)
    made = make_user("ministry", authority_id("ministry"), password_hash=hashed)
    found, login = made.id, made.login
    key = begin_session(made)
    kept = sessions.resume(key, is_by_hand=False)
    assert isinstance(kept, sessions.CurrentSession)
    other = sessions.resume(begin_session(made), is_by_hand=False)
    assert isinstance(other, sessions.CurrentSession)
    ground.clock.move(2 * sessions.SEEN_STEP)
    kept_id, other_id, source = kept.id, other.id, f"10.2.{serial % 250}.1"

    def guess() -> None:
        try:
            authentication.sign_in(login, "Wrong-Guess-2026", sessions.Origin(source))
        except authentication.SignInNeeded:
            return

    return {
        "sign in": lambda _: authentication.sign_in(login, PASSWORD, HERE),
        "guess": lambda _: guess(),
        "change password": lambda _: authentication.change_password(
            account_of(found), PASSWORD, NEW_PASSWORD, NEW_PASSWORD, HERE
        ),
        "go on": lambda _: sessions.resume(key, is_by_hand=True),
        "sign out": lambda _: sessions.end_session(account_of(found), other_id, HERE),
        "sign out elsewhere": lambda _: sessions.end_other_sessions(account_of(found), kept_id, HERE),
        "disable": lambda who: administration.disable_user(who("sys_admin"), found),
    }


def setting(_ground: Ground, serial: int) -> Acts:
    key = ("reminder_days", "attachments", "attachment_megabytes")[serial % 3]  # no row yet, at first
    code = f"NEW_{serial}"
    return {
        "two": lambda who: settings.save_settings(who("sys_admin"), {key: "2"}),
        "three": lambda who: settings.save_settings(who("sys_admin"), {key: "3"}),
        "new type": lambda who: settings.save_type(who("sys_admin"), TYPE | {"code": code}),
    }


def qualification_type(ground: Ground, serial: int) -> Acts:
    found = settings.save_type(ground.user("sys_admin"), TYPE | {"code": f"TYPE_{serial}"}).id
    return {
        "hours": lambda who: settings.save_type(who("sys_admin"), TYPE | {"initial_hours": "50"}, found),
        "name": lambda who: settings.save_type(who("sys_admin"), TYPE | {"name": "另一种"}, found),
    }


def process_draft(ground: Ground, serial: int) -> Acts:
    key, admin = f"raced_{serial}", ground.user("process_admin")
    drafts.begin(admin, {"key": key, "name": "赛跑"})
    opened = drafts.open_draft(key)
    files = {
        name: text.replace("<bpmn:userTask ", '<bpmn:userTask camunda:candidateGroups="association" ')
        for name, text in opened.files.items()
    }
    version = drafts.save(admin, key, files, opened.version).version
    other = {name: text.replace("办理", "处理") for name, text in files.items()}
    return {
        "save": lambda who: drafts.save(who("process_admin"), key, other, version),
        "discard": lambda who: drafts.discard(who("process_admin"), key, version),
        "propose": lambda who: drafts.propose(who("process_admin"), key, version, WHY),
        "begin another": lambda who: drafts.begin(who("process_admin"), {"key": f"other_{serial}", "name": "又一"}),
    }


def small(name: str) -> dict[str, bytes]:
    """The small process with another name of a task, which makes it another version."""
    return {
        "small.bpmn": small_process.DIAGRAM.replace("查看", name).encode(),
        "look.form": small_process.FORM.encode(),
    }


def deployment(_ground: Ground, serial: int) -> Acts:
    first = small_process.deploy()
    deployments.deploy(small(f"查看{serial}"))
    return {
        "deploy": lambda who: deployments.deploy(
            small(f"看{serial}"), deployments.Author("page", who("process_admin"))
        ),
        "deploy another": lambda _: deployments.deploy_sent(small(f"见{serial}"), deployments.Author("cli")),
        "back": lambda who: deployments.make_current(who("process_admin"), first, WHY),
    }


def case(_ground: Ground, _serial: int) -> Acts:
    small_process.deploy()
    started = tasks.start(None, "small", {})
    found, [task] = started.case_id, started.tasks

    def mend(kind: str, **more: object) -> Callable[..., object]:
        return lambda who: mends.mend(who("process_admin"), found, Mend(kind, WHY, **more))  # type: ignore[arg-type]

    return {
        "complete": lambda who: tasks.complete(who("association"), task, {"decision": "yes"}),
        "stop": lambda _: tasks.correlate_message(None, found, "stop"),
        "offer": lambda _: tasks.offer_message(None, found, "stop"),
        "start another": lambda who: tasks.start_by_key(who("association"), "small", {}),
        "preview": lambda who: mends.preview(who("process_admin"), found, Mend("move", WHY, element="look", to="sign")),
        "variables": mend("variables", values={"decision": "no"}),
        "move": mend("move", element="look", to="sign"),
        "suspend": mend("suspend"),
        "cancel": mend("cancel"),
    }


def suspended_case(ground: Ground, _serial: int) -> Acts:
    small_process.deploy()
    found = tasks.start(None, "small", {}).case_id
    mends.mend(ground.user("process_admin"), found, Mend("suspend", WHY))
    return {
        "resume": lambda who: mends.mend(who("process_admin"), found, Mend("resume", WHY)),
        "offer": lambda _: tasks.offer_message(None, found, "stop"),
        "cancel": lambda who: mends.mend(who("process_admin"), found, Mend("cancel", WHY)),
    }


def incident(_ground: Ground, _serial: int) -> Acts:
    small_process.deploy()
    found = tasks.start(None, "small", {}).case_id
    incidents.record_incident(found, "look", "somebody's click")
    known = session().scalars(select(Incident.id).where(Incident.case_id == found)).one()
    return {
        "retry": lambda who: mends.resolve_incident(who("process_admin"), known, WHY),
        "preview": lambda who: incident_retry.preview_many(who("process_admin"), [known]),
        "another": lambda _: incidents.record_incident(found, "look", "another click"),
    }


def new_migration(ground: Ground, serial: int) -> Acts:
    """A migration that nobody has begun yet, and what else is done to its case."""
    if left := case_migrations.unfinished("small"):
        background_runs.stop(ground.user("process_admin"), left)
    old = small_process.deploy()
    found = tasks.start(None, "small", {}).case_id
    new = deployments.deploy(small(f"迁移{serial}")).version
    assert new
    asked = asked_for(old, new.digest, {})
    [task] = session().scalars(select(Task.id).where(Task.case_id == found, Task.state == "open"))
    move = Mend("move", WHY, element="look", to="sign")
    return {
        "begin": lambda who: case_migrations.begin(who("process_admin"), asked, WHY),
        "do at once": lambda who: case_migrations.begin(who("process_admin"), asked, WHY, at_once=True),
        "complete": lambda who: tasks.complete(who("association"), task, {"decision": "yes"}),
        "mend": lambda who: mends.mend_many(who("process_admin"), [found], move),
        "cancel": lambda who: mends.mend(who("process_admin"), found, Mend("cancel", WHY)),
    }


def migration(ground: Ground, serial: int) -> Acts:
    acts = new_migration(ground, serial)
    run_id = acts["begin"](ground.user).id
    return {
        "work": lambda _: jobs.run_at_once(run_id),
        "give up": lambda who: background_runs.stop(who("process_admin"), background_runs.find(MigrationRun, run_id)),
        "complete": acts["complete"],
        "cancel": acts["cancel"],
    }


def failed_migration(ground: Ground, serial: int) -> Acts:
    acts = new_migration(ground, serial)
    run = acts["begin"](ground.user)
    background_runs.proceed(run, None, RunState.FAILED)
    return {
        "resume": lambda who: background_runs.resume(who("process_admin"), background_runs.find(MigrationRun, run.id)),
        "work": lambda _: jobs.run_at_once(run.id),
        "give up": lambda who: background_runs.stop(who("process_admin"), background_runs.find(MigrationRun, run.id)),
    }


def backtest(ground: Ground, serial: int) -> Acts:
    small_process.deploy()
    files = small(f"回测{serial}")
    run_id = backtests.begin(ground.user("process_admin"), files).id
    return {
        "begin another": lambda who: backtests.begin(who("process_admin"), files),
        "give up": lambda who: background_runs.stop(who("process_admin"), background_runs.find(BacktestRun, run_id)),
        "work": lambda _: jobs.run_at_once(run_id),
    }


def export(ground: Ground, _serial: int) -> Acts:
    found = exports.begin(ground.stage.enterprise, "persons", {}).id
    return {
        "begin another": lambda who: exports.begin(who("enterprise"), "persons", {}),
        "stop": lambda who: exports.stop(who("enterprise"), found),
        "work": lambda _: jobs.run_at_once(found),
        "remove": lambda _: exports.remove(found),
    }


def person_import_(ground: Ground, serial: int) -> Acts:
    found: UUID = new_id()
    data = book([cells(serial, id_number=identity_number(serial, "19830101"))])
    person_import.begin(ground.stage.enterprise, found, data, submit=False, spell=spell)
    other = new_id()
    return {
        "upload": lambda who: person_import.begin(who("enterprise"), other, data, submit=False, spell=spell),
        "enter": lambda who: person_import.start(who("enterprise"), found, partial=False),
        "drop": lambda who: person_import.drop(who("enterprise"), found),
    }


def audit_sample(ground: Ground, serial: int) -> Acts:
    auditor = ground.user("audit_admin")
    small_process.deploy()
    tasks.start(None, "small", {})
    found = audit_samples.draw(auditor, {"title": "抽样", "size": "1", "seed": str(serial)})
    audit_samples.record_finding(auditor, found, 1, {"finding": "clear", "version": "1"})
    return {
        "draw": lambda who: audit_samples.draw(who("audit_admin"), {"title": "又一次", "size": "1"}),
        "look": lambda who: audit_samples.record_finding(
            who("audit_admin"), found, 1, {"finding": "doubt", "note": "签字不清", "version": "2"}
        ),
        "sign": lambda who: audit_samples.sign(who("audit_admin"), found, {"conclusion": "未见问题。"}),
    }


def saved_view(ground: Ground, serial: int) -> Acts:
    found = saved_views.save_view(ground.stage.association, "persons.index", {"state": "approved"}, NAMED).id
    return {
        "save": lambda who: saved_views.save_view(who("association"), f"persons.{serial}", {"q": "王"}, NAMED),
        "remove": lambda who: saved_views.remove_view(who("association"), found),
    }


def substitution(ground: Ground, _serial: int) -> Acts:
    day = str(today())
    given = {"from_day": day, "until_day": day, "substitute": str(ground.accounts["colleague"])}
    found = substitutions.appoint_substitute(ground.user("association"), given).id
    return {
        "appoint": lambda who: substitutions.appoint_substitute(who("association"), given),
        "end": lambda who: substitutions.end_substitution(who("association"), found),
    }


def form_draft(ground: Ground, serial: int) -> Acts:
    form = f"/forms/{serial}"
    form_drafts.save(ground.stage.association, form, [("score", "90")])
    return {
        "keep": lambda who: form_drafts.save(who("association"), form, [("score", "91")]),
        "end": lambda who: form_drafts.save(who("association"), form, []),
        "sweep": lambda _: form_drafts.sweep(),
    }


def daily_work(ground: Ground, _serial: int) -> Acts:
    daily_digest._done.clear()
    ground.clock.move(timedelta(days=1))
    return {
        "seal": lambda _: sealing.seal_new(),
        "digest": lambda _: daily_digest.write_due_digests(),
        "close plans": lambda _: plans.close_past(),
        "erase": lambda _: retention.erase_due(),
        "decide": lambda _: enrollments.refresh_need(),
        "attempts": lambda _: authentication.forget_old_attempts(),
        "sessions": lambda _: sessions.forget_ended(),
        "files": lambda _: exports.sweep(),
        "jobs": lambda _: jobs.run_due(),
    }


NOUNS: dict[str, Callable[[Ground, int], Acts]] = {
    noun.__name__: noun
    for noun in (
        account,
        new_account,
        awaited_account,
        signed_in_account,
        setting,
        qualification_type,
        process_draft,
        deployment,
        case,
        suspended_case,
        incident,
        new_migration,
        migration,
        failed_migration,
        backtest,
        export,
        person_import_,
        audit_sample,
        saved_view,
        substitution,
        form_draft,
        daily_work,
    )
}
