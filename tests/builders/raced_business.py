"""What people do to one row of each business noun, so that a test lets any two of these acts meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from service.models.db.clock import MovingClock, today
from service.models.db.ids import new_id
from service.models.tables.accounts.user import User
from service.models.tables.training.training import TrainingClass
from service.models.tables.units.organisation import authority_id
from service.workflow.accounts import account_profiles, administration
from service.workflow.certificates import certificate_expiry, certificates, printing, reissues
from service.workflow.notices import bulletins, notices, tickets
from service.workflow.persons import corrections, person_records, transfers
from service.workflow.runtime import bulk_completion, jobs, tasks, undo
from service.workflow.training import classes, enrollments, plans, score_corrections
from service.workflow.units import academy_links, unit_changes, units
from tests.api.test_security_doors import PERSON, PLAN, UNIT
from tests.builders.stage import at_nine, do, draft, enroll, enrollment_of, make_stage, publish_class, task_of
from tests.builders.world import (
    identity_number,
    make_certificate,
    make_institution,
    make_person,
    make_photo,
    make_unit,
    make_user,
    portrait,
)
from tests.process.test_class_changes import change_form

Who = Callable[[str], User]
"""An account by its name, as the thread that acts reads it."""
Acts = Mapping[str, Callable[[Who], Any]]
WHY = "材料有误，请核对。"
RECORD = {"business": "sale", "legal_rep": "郑丁", "contact": "吴戊", "phone": "053112345678", "address": "济南市"}
TICKET = {"kind": "technical", "subject": "无法上传照片", "body": "上传照片时提示“不是图片”。"}
BULLETIN = {"title": "通报", "body": "请按时完成。"}


class Ground:
    """Where acts meet: the people of a stage, administrators, and classes that several rows share."""

    def __init__(self, clock: MovingClock) -> None:
        self.clock, self.stage = clock, make_stage()
        roles = ("sys_admin", "security_admin", "process_admin", "audit_admin")
        users = {role: make_user(role, authority_id("platform")) for role in roles}
        people = ("association", "colleague", "ministry", "province", "other_province", "institution", "enterprise")
        users |= {name: getattr(self.stage, name) for name in people}
        for role in ("sys_admin", "security_admin"):  # nobody is the last of a kind
            make_user(role, authority_id("platform"))
        self.accounts = {name: user.id for name, user in users.items()}

    def user(self, name: str) -> User:
        """An account as the running session has it."""
        return account_of(self.accounts[name])

    @cached_property
    def course(self) -> TrainingClass:
        """A class in which people are enrolled."""
        return publish_class(self.stage, capacity="900")

    @cached_property
    def trainees(self) -> list[UUID]:
        """Cases of people who are confirmed, on the first day of their class; each is taken by one turn."""
        course = publish_class(self.stage, capacity="900")
        found = [enroll(self.stage, course, self.stage.person()) for _ in range(TURNS)]
        for case in found:
            do(self.stage.province, case, "confirm_enrollment", decision="confirm")
        self.clock.move_to(at_nine(course.starts_on))
        jobs.run_all()
        return found


def account_of(user_id: UUID) -> User:
    """An account as the running thread reads it."""
    user = User.get(user_id)
    assert user
    return user


TURNS = 16  # pairs of acts on one trainee


def certificate(ground: Ground, _serial: int) -> Acts:
    found = make_certificate(ground.stage.person()).id
    return {
        "print": lambda who: certificates.print_certificate(who("association"), found),
        "print again": lambda who: certificates.print_certificate(who("colleague"), found, "污损"),
        "print as a file": lambda who: printing.begin_batch(who("association"), [found], "一班", WHY, "https://x/{}"),
        "revoke": lambda who: certificates.revoke(who("ministry"), found, "伪造材料。"),
        "ask": lambda _: certificates.count_question(f"10.1.{found.int % 250}.{found.int % 249}"),
    }


def printed_certificate(ground: Ground, _serial: int) -> Acts:
    found = make_certificate(ground.stage.person()).id
    record = certificates.print_certificate(ground.stage.association, found).id
    batch = printing.begin_batch(ground.stage.association, [found], "一班", WHY, "https://x/{}").id
    given = {"received_by": "李己巳", "received_on": str(today())}
    return {
        "hand out": lambda who: certificates.hand_out(who("association"), record, given),
        "hand out to another": lambda who: certificates.hand_out(
            who("colleague"), record, given | {"received_by": "王"}
        ),
        "reissue": lambda who: reissues.request_reissue(who("enterprise"), found, "乘车时遗失，已登报声明作废。"),
        "revoke": lambda who: certificates.revoke(who("ministry"), found, "伪造材料。"),
        "cancel the file": lambda who: printing.cancel(who("association"), batch),
        "remove the file": lambda _: printing.remove(batch),
    }


def expired_certificate(ground: Ground, _serial: int) -> Acts:
    found = make_certificate(ground.stage.person(), today() - timedelta(days=1)).id
    return {
        "deregister": lambda who: certificate_expiry.begin_deregistration(who("ministry"), found),
        "daily work": lambda _: certificate_expiry.start_deregistrations(),
    }


def reissue(ground: Ground, _serial: int) -> Acts:
    lost = make_certificate(ground.stage.person()).id
    certificates.print_certificate(ground.stage.association, lost)
    case = reissues.request_reissue(ground.stage.enterprise, lost, "乘车时遗失，已登报声明作废。")
    review = task_of(case, "review_reissue").id
    return {
        "approve": lambda who: tasks.complete(who("association"), review, {"decision": "approve"}),
        "return": lambda who: tasks.complete(who("colleague"), review, {"decision": "return", "reason": "请补充"}),
        "withdraw": lambda who: reissues.withdraw_reissue(who("enterprise"), case),
        "revoke": lambda who: certificates.revoke(who("ministry"), lost, "伪造材料。"),
    }


def person(ground: Ground, serial: int) -> Acts:
    given = PERSON | {"id_number": identity_number(serial)}
    found = person_records.save_person(ground.stage.enterprise, None, given).id
    another = PERSON | {"id_number": identity_number(serial, "19810101")}
    return {
        "name": lambda who: person_records.save_person(who("enterprise"), found, given | {"name": "李己巳"}),
        "post": lambda who: person_records.save_person(who("enterprise"), found, given | {"post": "安全科长"}),
        "enter": lambda who: person_records.save_person(who("enterprise"), None, another),
        "submit": lambda who: person_records.save_and_submit(who("enterprise"), found, given, portrait()),
        "reveal": lambda who: person_records.reveal_number(who("enterprise"), found),
        "delete": lambda who: person_records.delete_draft(who("enterprise"), found),
    }


def submitted_person(ground: Ground, _serial: int) -> Acts:
    found = make_person(ground.stage.unit, state="draft")
    make_photo(found)
    case = person_records.submit_person(ground.stage.enterprise, found.id).case_id
    assert case
    task, person_id = task_of(case, "approve_person").id, found.id
    elsewhere = make_unit("enterprise", "41").id
    return {
        "approve": lambda who: tasks.complete(who("province"), task, {"decision": "approve"}),
        "reject": lambda who: tasks.complete(who("province"), task, {"decision": "reject", "reason": WHY}),
        "claim": lambda who: tasks.claim(who("province"), task),
        "take back": lambda who: person_records.take_back_person(who("enterprise"), person_id),
        "deregister": lambda who: person_records.deregister_person(who("province"), person_id, WHY),
        "transfer": lambda who: transfers.transfer_person(who("association"), person_id, elsewhere),
    }


def certified_person(ground: Ground, serial: int) -> Acts:
    stage, course = ground.stage, ground.course
    found = stage.person()
    make_certificate(found)
    person_id, elsewhere = found.id, make_unit("enterprise", "37").id
    given = PERSON | {"name": found.name, "id_number": ""}
    asked = {"kind": "name", "statement": "已更名，见户口簿。", "name": "陈戊臣"}
    return {
        "change": lambda who: person_records.save_person(
            who("enterprise"), person_id, given | {"post": f"科长{serial}"}
        ),
        "transfer": lambda who: transfers.transfer_person(who("association"), person_id, elsewhere),
        "change type": lambda who: transfers.change_type(who("association"), person_id, "MANAGER_SALE"),
        "correct": lambda who: corrections.request_correction(
            who("enterprise"), person_id, asked, [("a.jpg", portrait(noise=False))]
        ),
        "deregister": lambda who: person_records.deregister_person(who("province"), person_id, WHY),
        "enrol": lambda who: enrollments.enroll(who("enterprise"), course.id, [person_id]),
        "decide": lambda _: enrollments.refresh_need([person_id]),
    }


def correction(ground: Ground, _serial: int) -> Acts:
    found = ground.stage.person()
    make_certificate(found)
    asked = {"kind": "name", "statement": "已更名，见户口簿。", "name": "陈戊臣"}
    row = corrections.request_correction(ground.stage.enterprise, found.id, asked, [("a.jpg", portrait(noise=False))])
    assert row.case_id
    task, row_id = task_of(row.case_id, "approve_correction").id, row.id
    return {
        "approve": lambda who: tasks.complete(who("province"), task, {"decision": "approve"}),
        "reject": lambda who: tasks.complete(who("province"), task, {"decision": "refuse", "reason": WHY}),
        "withdraw": lambda who: corrections.withdraw_correction(who("enterprise"), row_id),
        "reveal": lambda who: corrections.reveal_numbers(who("province"), row_id),
    }


def unit(ground: Ground, serial: int) -> Acts:
    found = make_unit("enterprise", "37")
    group = make_unit("group", "37").id
    number = identity_number(serial, "19820101")
    of_unit = make_user("enterprise", found.id, state="disabled").id
    moving, own = (make_user("enterprise", home).id for home in (ground.stage.unit.id, found.id))
    unit_id, names = found.id, {"display_name": "张甲子"}
    account = {"display_name": "张甲子", "role": "enterprise", "organisation_id": unit_id}
    return {
        "record": lambda who: units.save_unit(who("province"), unit_id, RECORD | {"contact": "新联系人"}),
        "rename": lambda who: unit_changes.rename_unit(who("association"), unit_id, f"新名民爆{serial}号公司"),
        "convert": lambda who: unit_changes.convert_unit(who("association"), unit_id, "branch", group),
        "become a group": lambda who: unit_changes.convert_unit(who("association"), unit_id, "group"),
        "delete": lambda who: unit_changes.delete_unit(who("association"), unit_id),
        "person": lambda _: person_records.save_person(account_of(own), None, PERSON | {"id_number": number}),
        "account": lambda who: administration.create_user(who("sys_admin"), login=f"new-{serial}", **account),
        "enable": lambda who: administration.enable_user(who("sys_admin"), of_unit),
        "move in": lambda who: account_profiles.modify_user(
            who("sys_admin"), moving, names | {"organisation_id": str(unit_id)}
        ),
        "remind": lambda who: notices.remind(who("province"), [unit_id]),
    }


def new_unit(_ground: Ground, serial: int) -> Acts:
    given = UNIT | {"name": f"新立民爆{serial}号公司", "credit_code": ""}
    return {"enter": lambda who: units.create_unit(who("province"), given)}


def academy(ground: Ground, _serial: int) -> Acts:
    found, first, second = make_unit("academy", "37").id, ground.stage.centre.id, make_institution().id
    return {
        "link": lambda who: academy_links.link_academy(who("association"), found, [first]),
        "link to another": lambda who: academy_links.link_academy(who("association"), found, [second]),
        "delete": lambda who: unit_changes.delete_unit(who("association"), found),
    }


def plan(ground: Ground, _serial: int) -> Acts:
    found = plans.save_plan(ground.stage.province, PLAN).id
    return {
        "title": lambda who: plans.save_plan(who("province"), PLAN | {"title": "第三期"}, found),
        "seats": lambda who: plans.save_plan(who("province"), PLAN | {"capacity": "60"}, found),
        "publish": lambda who: plans.publish_plan(who("province"), found),
        "cancel": lambda who: plans.cancel_plan(who("province"), found, "报名人数不足。"),
    }


def bulletin(ground: Ground, _serial: int) -> Acts:
    found = bulletins.save_bulletin(ground.stage.association, BULLETIN).id
    file = bulletins.attach(ground.stage.association, found, "a.jpg", portrait(noise=False)).id
    return {
        "title": lambda who: bulletins.save_bulletin(who("association"), BULLETIN | {"title": "通知"}, found),
        "publish": lambda who: bulletins.publish_bulletin(who("association"), found),
        "attach": lambda who: bulletins.attach(who("association"), found, "b.jpg", portrait(noise=False)),
        "detach": lambda who: bulletins.detach(who("association"), found, file),
        "delete": lambda who: bulletins.delete_bulletin(who("association"), found),
    }


def published_bulletin(ground: Ground, _serial: int) -> Acts:
    found = bulletins.save_bulletin(ground.stage.association, BULLETIN).id
    bulletins.publish_bulletin(ground.stage.association, found)
    return {
        "read": lambda who: notices.read_notice(who("enterprise"), found),
        "withdraw": lambda who: bulletins.withdraw_bulletin(who("association"), found, WHY),
    }


def drafted_class(ground: Ground, _serial: int) -> Acts:
    found = classes.begin_class(ground.stage.association)
    given = draft(ground.stage)
    return {
        "keep": lambda who: classes.complete_draft(who("association"), found, given | {"decision": "keep"}),
        "publish": lambda who: tasks.complete(who("colleague"), found, given),
        "discard": lambda who: tasks.complete(who("association"), found, given | {"decision": "discard"}),
        "begin another": lambda who: classes.draft_class(who("association"), given),
    }


def class_(ground: Ground, _serial: int) -> Acts:
    course = publish_class(ground.stage, capacity="3")
    pending = enroll(ground.stage, course, ground.stage.person())
    people, class_id = [ground.stage.person().id for _ in range(3)], course.id
    moved, larger = change_form(course, place="天津"), change_form(course, capacity="30")
    enrolled = enrollment_of(pending).id
    return {
        "place": lambda who: classes.change_class(who("association"), class_id, moved),
        "seats": lambda who: classes.change_class(who("colleague"), class_id, larger),
        "enrol": lambda who: enrollments.enroll(who("enterprise"), class_id, people),
        "withdraw": lambda who: enrollments.withdraw(who("enterprise"), enrolled),
        "close": lambda who: classes.close_enrolment(who("association"), class_id),
        "cancel": lambda who: classes.cancel_class(who("association"), class_id, WHY),
        "messages": lambda _: jobs.run_all(),
    }


def enrollment(ground: Ground, _serial: int) -> Acts:
    found = ground.stage.person()
    case = enroll(ground.stage, ground.course, found)
    task, enrolled, person_id = task_of(case, "confirm_enrollment").id, enrollment_of(case).id, found.id
    clerk = make_user("provincial_authority", authority_id("37")).id
    elsewhere, confirm = make_unit("enterprise", "41").id, {"decision": "confirm"}
    return {
        "confirm": lambda who: tasks.complete(who("province"), task, confirm),
        "confirm in a batch": lambda who: bulk_completion.complete_many(who("province"), new_id(), [(task, confirm)]),
        "reject": lambda who: tasks.complete(who("province"), task, {"decision": "reject", "reason": WHY}),
        "claim": lambda _: tasks.claim(account_of(clerk), task),
        "give back": lambda _: tasks.unclaim(account_of(clerk), task),
        "assign": lambda who: tasks.assign(who("province"), task, clerk),
        "disable": lambda who: administration.disable_user(who("sys_admin"), clerk),
        "withdraw": lambda who: enrollments.withdraw(who("enterprise"), enrolled),
        "transfer": lambda who: transfers.transfer_person(who("association"), person_id, elsewhere),
    }


def trainee(ground: Ground, _serial: int) -> Acts:
    case = ground.trainees.pop()
    came = task_of(case, "check_in").id
    do(ground.stage.association, case, "check_in")
    task, enrolled = task_of(case, "record_score").id, enrollment_of(case).id
    return {
        "take the check-in back": lambda who: undo.undo(who("association"), came),
        "undo the check-in": lambda who: score_corrections.undo_check_in(who("association"), enrolled),
        "score": lambda who: tasks.complete(who("institution"), task, {"score": "83.5"}),
        "other score": lambda who: tasks.complete(who("institution"), task, {"score": "38"}),
        "end": lambda who: score_corrections.end_training(who("association"), enrolled, WHY),
    }


def passed_trainee(ground: Ground, _serial: int) -> Acts:
    case = ground.trainees.pop()
    do(ground.stage.association, case, "check_in")
    do(ground.stage.institution, case, "record_score", score="83.5")
    do(ground.stage.association, case, "confirm_score", decision="confirm")
    task, enrolled = task_of(case, "certification/print_certificate").id, enrollment_of(case).id
    correct = score_corrections.correct_score
    return {
        "print": lambda who: tasks.complete(who("association"), task, {}),
        "correct": lambda who: correct(who("association"), enrolled, "45", False, "看错一行"),
        "correct otherwise": lambda who: correct(who("colleague"), enrolled, "55", False, "看错一行"),
        "end": lambda who: score_corrections.end_training(who("association"), enrolled, WHY),
    }


def ticket(ground: Ground, _serial: int) -> Acts:
    opened = tickets.open_ticket(ground.stage.enterprise, TICKET)
    assert opened.case_id
    task, ticket_id = task_of(opened.case_id, "accept_ticket").id, opened.id
    file = [("a.jpg", portrait(noise=False))]
    return {
        "say": lambda who: tickets.say(who("enterprise"), ticket_id, {"body": "请尽快。"}),
        "send a file": lambda who: tickets.say(who("enterprise"), ticket_id, {"body": ""}, file),
        "accept": lambda who: tasks.complete(who("sys_admin"), task, {"decision": "accept"}),
        "hand in another": lambda who: tickets.open_ticket(who("enterprise"), TICKET),
    }


NOUNS: dict[str, Callable[[Ground, int], Acts]] = {
    noun.__name__: noun
    for noun in (
        certificate,
        printed_certificate,
        expired_certificate,
        reissue,
        person,
        submitted_person,
        certified_person,
        correction,
        unit,
        new_unit,
        academy,
        plan,
        bulletin,
        published_bulletin,
        drafted_class,
        class_,
        enrollment,
        trainee,
        passed_trainee,
        ticket,
    )
}
