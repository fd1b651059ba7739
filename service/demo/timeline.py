"""Timeline of the demonstration: the example of 2013 (S72–S75), last year's classes, this autumn's at every stage."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select

from service.demo.certificate_events import CertificateEvents
from service.demo.invented.actions import Actions
from service.domain.persons.persons import PersonState
from service.domain.training.training_need import Need
from service.domain.units.units import UnitKind
from service.models.db.session import session
from service.models.tables.persons.person import Person
from service.models.tables.training.training import TrainingNeed
from service.models.tables.units.organisation import Organisation
from service.workflow.persons import person_records
from service.workflow.training import classes, enrollments

ENTERED_LAST_YEAR, ENTERED_THIS_AUTUMN = 640, 320  # persons; with the latest and the two of 2013 about 1,000
TYPE_CODES = ("MANAGER_PROD", "MANAGER_PROD", "PRINCIPAL_PROD", "MANAGER_SALE", "PRINCIPAL_SALE")


class Timeline:
    """Runs everything up to the civil date ``last``, with ``share`` of the persons."""

    def __init__(self, actions: Actions, last: date, share: float = 1.0) -> None:
        self.actions, self.last, self.share = actions, last, share
        self._units: dict[UUID, tuple[Organisation, str]] = {}
        self._by_kind: dict[str, list[Organisation]] = defaultdict(list)

    def run(self) -> None:
        """Run all years in order."""
        self._load_units()
        self._seed_example()
        self._last_year()
        self._this_year()
        self._this_autumn()
        self._latest()
        CertificateEvents(self.actions, self.last).run()

    def ago(self, days: int) -> date:
        """Return the date so many days before the last."""
        return self.last - timedelta(days=days)

    def _load_units(self) -> None:
        codes = dict(
            session().execute(select(Organisation.id, Organisation.code).where(Organisation.kind == "province")).all()
        )
        for unit in session().scalars(
            select(Organisation).where(Organisation.kind.in_(list(UnitKind))).order_by(Organisation.id)
        ):
            self._units[unit.id] = (unit, codes[unit.authority_id] if unit.authority_id else "11")
            self._by_kind[unit.kind].append(unit)

    def _enter(self, count: int, valid_to: tuple[int, int], without: float, academies: bool = False) -> list[UUID]:
        """Enter persons over all units.

        valid_to: first and last day, counted from the last date, on which older certificates end; without: share of
        persons that have none.
        """
        kinds = ("academy",) if academies else ("enterprise", "enterprise", "group", "branch")
        entered = []
        for n in range(count):
            rows = self._by_kind[kinds[n % len(kinds)]]
            # every third into the first units, so that the accounts people try first have enough work
            unit = rows[0] if n % 3 == 0 else rows[n % len(rows)]
            ends = (
                None
                if academies or self.actions.people.chance(without)
                else self.last + timedelta(days=self.actions.people.spread(*valid_to))
            )
            entered.append(self.actions.enter(unit, self._units[unit.id][1], TYPE_CODES[n % len(TYPE_CODES)], ends))
        return entered

    def _approve(self, person_ids: list[UUID]) -> None:
        for person_id in person_ids:
            unit_id = session().get_one(Person, person_id).unit_id
            self.actions.decide_person(person_id, self._units[unit_id][1])
        enrollments.refresh_need(person_ids)

    def _needing(self, need: str, count: int, code: str = "") -> list[UUID]:
        """Find persons with this need today, of one province if given."""
        enrollments.refresh_need()
        query = (
            select(Person)
            .join(TrainingNeed)
            .where(TrainingNeed.need == need, Person.state == PersonState.APPROVED)
            .order_by(Person.id)
        )
        found = [p.id for p in session().scalars(query) if not code or self._units[p.unit_id][1] == code]
        return found[:count]

    def _seed_example(self) -> None:
        """Run S72–S75: on 2013-05-08 a certificate to 2013-10-31 needs renewal, one to 2014-10-31 a refresher."""
        actions, unit = self.actions, self._by_kind["enterprise"][0]
        code = self._units[unit.id][1]
        actions.at(date(2013, 5, 8))
        renewing, refreshing = (
            actions.enter(unit, code, "MANAGER_PROD", ends) for ends in (date(2013, 10, 31), date(2014, 10, 31))
        )
        self._approve([renewing, refreshing])
        begun = []
        for kind, person_id, starts in (
            ("renewal", renewing, date(2013, 5, 27)),
            ("refresher", refreshing, date(2013, 6, 17)),
        ):
            class_id = actions.draft_class(f"province-{code}", kind, starts, place="济南")
            begun.append((class_id, actions.enroll(class_id, [person_id]), starts))
        for class_id, enrolled, starts in begun:
            self._run_class(class_id, enrolled, starts, weak_every=10**6)

    def _run_class(
        self,
        class_id: UUID,
        enrolled: list[UUID],
        starts: date,
        *,
        refuse_every: int = 0,
        weak_every: int = 9,
        void: int = 0,
        absent: int = 0,
    ) -> None:
        """Run a class from the confirmation of its enrolments to its end."""
        actions = self.actions
        confirmed = actions.confirm(enrolled, refuse_every)
        present = confirmed[: len(confirmed) - absent]
        actions.at(starts, 8)
        actions.check_in(present)
        actions.at(starts + timedelta(days=6), 15)
        actions.score(present, weak_every)
        actions.return_score(present)
        self._close_check_in(class_id)
        actions.at(starts + timedelta(days=9), 10)
        actions.confirm_scores(present)
        actions.make_up(present)
        actions.at(starts + timedelta(days=12), 10)
        actions.certify(present, refuse=void)
        actions.at(starts + timedelta(days=13))

    def _last_year(self) -> None:
        actions = self.actions
        actions.at(self.ago(420))
        self._approve(self._enter(int(ENTERED_LAST_YEAR * self.share), (-30, 660), 0.22))
        starts = self.ago(395)
        initial = actions.draft_class("association", "initial", starts, place="北京")
        self._run_class(
            initial, actions.enroll(initial, self._needing("initial", 30)), starts, refuse_every=14, void=1, absent=2
        )

    def _this_year(self) -> None:
        actions, year = self.actions, self.last.year
        starts = max(date(year, 1, 12), self.ago(190))
        actions.at(starts - timedelta(days=30))
        refresher = actions.draft_class("province-37", "refresher", starts, place="济南")
        self._run_class(refresher, actions.enroll(refresher, self._needing("refresher", 24, "37")), starts)
        actions.at(self.ago(150))
        given_up = actions.draft_class("association", "initial", self.ago(110), place="贵阳")
        actions.enroll(given_up, self._needing("initial", 5))
        actions.at(self.ago(140))
        classes.cancel_class(actions.accounts["association"], given_up, "承办场地检修，改期举办。")
        actions.at(self.ago(139))

    def _this_autumn(self) -> None:
        actions = self.actions
        actions.at(self.ago(75))
        self._approve(
            self._enter(int(ENTERED_THIS_AUTUMN * self.share), (-10, 800), 0.35)
            + self._enter(24, (0, 0), 1.0, academies=True)
        )
        self._certifying()
        self._scored()
        self._running()
        self._closed()
        self._enrolling()

    def _certifying(self) -> None:
        """Run a renewal class until some certificates wait for print and approval."""
        actions, starts = self.actions, self.ago(50)
        actions.at(self.ago(70))
        class_id = actions.draft_class("province-37", "renewal", starts, place="临沂")
        confirmed = actions.confirm(actions.enroll(class_id, self._needing("renewal", 26, "37")), refuse_every=12)
        actions.at(starts, 8)
        actions.check_in(confirmed)
        actions.at(starts + timedelta(days=3), 15)
        actions.score(confirmed)
        self._close_check_in(class_id)
        actions.at(starts + timedelta(days=5), 10)
        actions.confirm_scores(confirmed)
        actions.make_up(confirmed)
        actions.certify(confirmed[: len(confirmed) * 6 // 10])
        for case_id in actions.filter_open(confirmed, "print_certificate")[:4]:
            actions.complete(case_id, "print_certificate", actions.accounts["association"])

    def _close_check_in(self, class_id: UUID) -> None:
        case = self.actions.class_case(class_id)
        for case_id in self.actions.filter_open([case.id], "close_check_in"):
            self.actions.complete(case_id, "close_check_in", self.actions.accounts["association"], sure="true")

    def _scored(self) -> None:
        """Run an initial class until its scores wait for the association."""
        actions, starts = self.actions, self.ago(14)
        actions.at(self.ago(38))
        class_id = actions.draft_class("association", "initial", starts, place="武汉")
        confirmed = actions.confirm(actions.enroll(class_id, self._needing("initial", 28)), refuse_every=13)
        actions.at(starts, 8)
        actions.check_in(confirmed)
        actions.at(starts + timedelta(days=6), 16)
        actions.score(confirmed)
        self._close_check_in(class_id)

    def _running(self) -> None:
        """Run a renewal class until most are checked in and some scored."""
        actions, starts = self.actions, self.ago(2)
        actions.at(self.ago(8))
        class_id = actions.draft_class(
            "province-42", "renewal", starts, place="武汉", enrol_until=str(self.ago(4)), ends_on=str(self.last)
        )
        confirmed = actions.confirm(actions.enroll(class_id, self._needing("renewal", 20)))
        actions.at(starts, 8)
        present = confirmed[: max(2, len(confirmed) * 7 // 10)]
        actions.check_in(present)
        actions.at(self.ago(1), 9)
        actions.score(present[: len(present) // 2], weak_every=10**6)

    def _closed(self) -> None:
        """Run a refresher class until its enrolment is closed."""
        actions = self.actions
        starts = self.last + timedelta(days=6)
        class_id = actions.draft_class("province-37", "refresher", starts, place="青岛", enrol_until=str(self.ago(1)))
        actions.confirm(actions.enroll(class_id, self._needing("refresher", 18, "37")))
        classes.close_enrolment(actions.accounts["province-37"], class_id)

    def _enrolling(self) -> None:
        """Open two classes, with confirmations waiting in many provinces, and keep a draft."""
        actions = self.actions
        actions.at(self.ago(1), 10)
        initial = actions.draft_class("association", "initial", self.last + timedelta(days=25), place="郑州")
        cases = actions.enroll(initial, self._needing("initial", 60))
        actions.confirm(cases[:16])
        renewal = actions.draft_class("province-37", "renewal", self.last + timedelta(days=14), place="济南")
        actions.confirm(actions.enroll(renewal, self._needing("renewal", 40))[:10])
        actions.draft_class("province-42", "refresher", self.last + timedelta(days=40), place="宜昌", decision="keep")

    def _latest(self) -> None:
        """Enter persons yesterday: drafts, some waiting for their province, some rejected, one deregistered."""
        actions = self.actions
        actions.at(self.ago(1), 14)
        entered = self._enter(14, (60, 700), 0.3)
        for person_id in entered[:4]:
            unit_id = session().get_one(Person, person_id).unit_id
            actions.decide_person(person_id, self._units[unit_id][1], "照片与证件照要求不符，请重新上传白底近照。")
        unit = self._by_kind["enterprise"][0]
        for _ in range(2):
            actions.enter(unit, self._units[unit.id][1], "MANAGER_PROD", submit=False)
        leaving = (
            session()
            .scalars(
                select(Person)
                .join(TrainingNeed)
                .where(Person.state == PersonState.APPROVED, TrainingNeed.need == Need.NONE)
                .limit(1)
            )
            .one()
        )
        person_records.deregister_person(
            actions.accounts.province(self._units[leaving.unit_id][1]), leaving.id, "已调离民爆行业。"
        )
        enrollments.refresh_need()
