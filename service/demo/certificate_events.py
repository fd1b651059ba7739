"""Events after certification: hand-outs, a revocation, reissues, deregistrations, transfers; and support tickets."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select

from service.demo.invented.actions import Actions
from service.domain.certificates.certificates import CertificateState
from service.domain.persons.persons import PersonState
from service.domain.units.units import UnitKind, UnitState
from service.models.db.clock import today
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate, PrintRecord
from service.models.tables.notices.ticket import Ticket
from service.models.tables.persons.person import Person, Photo, QualificationType
from service.models.tables.runtime.case import Task
from service.models.tables.units.organisation import Organisation
from service.workflow.certificates import certificate_expiry, certificates, reissues
from service.workflow.notices import tickets
from service.workflow.persons import corrections, transfers
from service.workflow.runtime import jobs

LOSS_STATEMENTS = (
    "出差途中背包被盗，证书遗失，已在当地派出所备案并登报声明作废。",
    "搬迁办公室时遗失，遍寻未获，已在单位公示栏声明作废。",
    "证书随行李在列车上遗失，列车段查找无果。",
)

MAX_DEREGISTRATIONS = 30  # at full scale hundreds wait


class CertificateEvents:
    """Runs reissues and deregistrations to every stage, hand-outs, transfers and a few tickets."""

    def __init__(self, actions: Actions, last: date) -> None:
        self.actions, self.last = actions, last

    def run(self) -> None:
        """Run everything; the clock ends within the day before ``last``."""
        self._hand_outs()
        self._revocation()
        self._reissues()
        self._expired()
        self._corrections()
        self._tickets()
        self._changes()

    def _user(self, login: str) -> User:
        return self.actions.accounts[login]

    def _held(self, count: int) -> list[Certificate]:
        """Find printed certificates in force of units with accounts."""
        query = (
            select(Certificate)
            .join(Person, Person.id == Certificate.person_id)
            .join(Organisation, Organisation.id == Person.unit_id)
            .where(
                Certificate.state == CertificateState.VALID,
                Certificate.valid_to > today() + timedelta(days=200),
                Certificate.printed_count > 0,
                Person.state == PersonState.APPROVED,
                Organisation.kind != UnitKind.ACADEMY,
            )
            .order_by(Certificate.number)
            .limit(count)
        )
        return list(session().scalars(query))

    def _hand_outs(self) -> None:
        """Record that units have received the first prints."""
        waiting = select(PrintRecord.id).where(PrintRecord.received_on.is_(None)).order_by(PrintRecord.id).limit(12)
        chosen = list(session().scalars(waiting))
        raw = {"received_by": "吴戊", "received_on": str(today())}
        if chosen:
            certificates.hand_out_many(self._user("association"), chosen, raw)

    def _revocation(self) -> None:
        for found in self._held(1):
            certificates.revoke(self._user("ministry"), found.id, "经查报名时提交的学历材料系伪造。")
            self.actions.after_action()

    def _reissues(self) -> None:
        """Request four reissues: one printed, one that waits for its print, one returned, one undecided."""
        association = self._user("association")
        for n, found in enumerate(self._held(4)):
            unit_id = session().get_one(Person, found.person_id).unit_id
            case = reissues.request_reissue(
                self.actions.accounts.of_unit(unit_id), found.id, LOSS_STATEMENTS[n % len(LOSS_STATEMENTS)]
            )
            self.actions.clock.move(timedelta(minutes=7))
            if n < 2:
                self.actions.complete(case, "review_reissue", association, decision="approve")
            if n == 0:
                self.actions.complete(case, "print_certificate", association)
            if n == 2:
                reason = "请写明遗失的时间、地点，并附声明作废的日期。"
                self.actions.complete(case, "review_reissue", association, decision="return", reason=reason)

    def _expired(self) -> None:
        """Start the cases of the daily job; the ministry deregisters a third and postpones one."""
        while certificate_expiry.start_deregistrations():
            self.actions.after_action()
        ministry, element = self._user("ministry"), "deregister_certificate"
        query = (
            select(Task.case_id).where(Task.element == element, Task.state == "open").order_by(Task.sort_at, Task.id)
        )
        waiting: list[UUID] = list(session().scalars(query))
        for case in waiting[: max(1, min(len(waiting) // 3, MAX_DEREGISTRATIONS))]:
            self.actions.complete(case, element, ministry, decision="deregister")
        if len(waiting) > 1:
            until = str(self.last + timedelta(days=20))
            reason = "单位说明持证人正在住院，核实后再定。"
            self.actions.complete(waiting[-1], element, ministry, decision="postpone", reason=reason, until=until)

    def _corrections(self) -> None:
        """Ask for two corrections of identity: one is applied, the other waits for the province (R77)."""
        for n, found in enumerate(self._held(6)[4:]):
            person = session().get_one(Person, found.person_id)
            picture = Photo.get(person.photo_id) if person.photo_id else None
            if picture is None:
                continue
            raw = {"kind": "name", "statement": "本人已更名，见户口簿。", "name": f"{person.name[0]}更名"}
            asker = self.actions.accounts.of_unit(person.unit_id)
            row = corrections.request_correction(asker, person.id, raw, [("户口簿.jpg", picture.jpeg)])
            self.actions.clock.move(timedelta(minutes=13))
            if n == 0 and row.case_id:
                unit = session().get_one(Organisation, person.unit_id)
                province = self.actions.accounts.province(session().get_one(Organisation, unit.authority_id).code)
                self.actions.complete(row.case_id, "approve_correction", province, decision="approve")
                self.actions.complete(row.case_id, "assent_identity", self._user("association"), decision="assent")
        jobs.run_all()

    def _tickets(self) -> None:
        association, system, ministry = (self._user(name) for name in ("association", "sysadmin", "ministry"))
        photo = self._ask(
            "enterprise-1",
            "technical",
            "照片上传后提示不是图片",
            "用手机拍的照片，上传时提示“不是图片”，换了两张都不行。",
        )
        self._answer(photo, system, decision="ask", message="请问照片文件的扩展名是什么？能否在电脑上打开？")
        self._complete(photo, "reply_ticket", "enterprise-1", message="扩展名是 .heic，电脑上打不开。")
        self._complete(
            photo,
            "answer_ticket",
            system,
            decision="resolve",
            message="请在手机相机设置中改为“兼容性最佳”，重新拍摄后即为 JPEG。",
        )
        self._complete(photo, "rate_ticket", "enterprise-1", decision="close", rating="5", message="已能上传，谢谢。")
        reader = self._ask(
            "province-37", "repair", "身份证阅读器送修", "现场报到用的阅读器读不出新版证件，序列号 SD-2023-018。"
        )
        self._answer(
            reader,
            association,
            decision="progress",
            message="已收到设备，正在检测。",
            step="inspecting",
            progress="检测中",
            expected_on=str(self.last + timedelta(days=9)),
        )
        order = self._ask("group-1", "ordering", "加订打印纸", "证书专用打印纸还剩不到一百张，如何加订？")
        self._answer(
            order, association, decision="resolve", message="请按所附规格填写数量发至协会邮箱，三个工作日内寄出。"
        )
        late = self._ask("branch-1", "complaint", "咨询电话长期无人接听", "连续一周工作时间拨打咨询电话均无人接听。")
        self._answer(late, ministry, decision="ask", message="请提供拨打的日期与号码，以便核查。")
        self._ask("institution-1", "technical", "成绩录入时如何标记缺考", "有一名学员未参加考试，成绩栏应填什么？")
        self._ask("enterprise-2", "complaint", "培训通知送达过晚", "开班前两天才收到通知，无法安排替班。")
        jobs.run_all()

    def _changes(self) -> None:
        """Transfer two persons within their province and change the type of one (S64, S65)."""
        association = self._user("association")
        for n, found in enumerate(self._held(12)[-3:]):
            person = session().get_one(Person, found.person_id)
            if n == 0:
                others = select(QualificationType.code).where(QualificationType.id != person.qualification_type_id)
                transfers.change_type(association, person.id, session().scalars(others.order_by("code")).first() or "")
            elif target := self._other_unit(person.unit_id):
                transfers.transfer_person(association, person.id, target)
            self.actions.after_action()
        jobs.run_all()

    def _other_unit(self, unit_id: UUID) -> UUID | None:
        """Find another unit of the same province."""
        unit = session().get_one(Organisation, unit_id)
        kinds = Organisation.kind.in_((UnitKind.GROUP, UnitKind.ENTERPRISE, UnitKind.BRANCH))
        same = (
            Organisation.authority_id == unit.authority_id,
            Organisation.id != unit_id,
            Organisation.state == UnitState.COMPLETE,
        )
        return session().scalars(select(Organisation.id).where(kinds, *same).order_by(Organisation.name)).first()

    def _ask(self, login: str, kind: str, subject: str, body: str) -> Ticket:
        asked = {"kind": kind, "subject": subject, "body": body} | (
            {"device": "身份证阅读器"} if kind == "repair" else {}
        )
        self.actions.clock.move(timedelta(minutes=11))
        self.actions.after_action()
        return tickets.open_ticket(self._user(login), asked)

    def _answer(self, ticket: Ticket, handler: User, **raw: str) -> None:
        """Accept and answer a ticket."""
        self._complete(ticket, "accept_ticket", handler, decision="accept")
        self._complete(ticket, "answer_ticket", handler, **raw)

    def _complete(self, ticket: Ticket, element: str, user: User | str, **raw: str) -> None:
        assert ticket.case_id is not None
        self.actions.clock.move(timedelta(minutes=9))
        self.actions.complete(ticket.case_id, element, self._user(user) if isinstance(user, str) else user, **raw)
