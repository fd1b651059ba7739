"""The demonstration's years in order: the seed's example of 2013, last year's classes, and this season's at every stage."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select

from service.demo.aftermath import Aftermath
from service.demo.fixtures.actions import Acts
from service.models.db.session import session
from service.models.tables.organisation import Organisation
from service.models.tables.person import Person
from service.models.tables.training import TrainingNeed
from service.workflow.persons import person_records
from service.workflow.training import classes, enrollments

FIRST, SECOND = 640, 320  # persons entered a year ago, and this autumn; with the latest and the seed's two about 1,000
TYPES = ("MANAGER_PROD", "MANAGER_PROD", "PRINCIPAL_PROD", "MANAGER_SALE", "PRINCIPAL_SALE")


class Story:
    """Tells everything up to ``last``, the civil date on which the demonstration begins; ``share`` of the persons."""

    def __init__(self, acts: Acts, last: date, share: float = 1.0) -> None:
        self.acts, self.last, self.share = acts, last, share
        self._units: dict[UUID, tuple[Organisation, str]] = {}
        self._by_kind: dict[str, list[Organisation]] = defaultdict(list)

    def tell(self) -> None:
        """All of it."""
        self._know_units()
        self._seed_example()
        self._last_year()
        self._this_year()
        self._this_autumn()
        self._latest()
        Aftermath(self.acts, self.last).tell()

    def ago(self, days: int) -> date:
        """The date so many days before the last."""
        return self.last - timedelta(days=days)

    def _know_units(self) -> None:
        codes = dict(
            session().execute(select(Organisation.id, Organisation.code).where(Organisation.kind == "province")).all()
        )
        for unit in session().scalars(
            select(Organisation)
            .where(Organisation.kind.in_(("group", "enterprise", "branch", "academy")))
            .order_by(Organisation.id)
        ):
            self._units[unit.id] = (unit, codes[unit.authority_id] if unit.authority_id else "11")
            self._by_kind[unit.kind].append(unit)

    def _enter(self, count: int, valid_to: tuple[int, int], without: float, academies: bool = False) -> list[UUID]:
        """Persons over all units, most of them with an older certificate ending within the given days around the last day."""
        kinds = ("academy",) if academies else ("enterprise", "enterprise", "group", "branch")
        entered = []
        for n in range(count):
            rows = self._by_kind[kinds[n % len(kinds)]]
            # every third into the first units, so that the accounts people try first have enough to do
            unit = rows[0] if n % 3 == 0 else rows[n % len(rows)]
            ends = (
                None
                if academies or self.acts.people.chance(without)
                else self.last + timedelta(days=self.acts.people.spread(*valid_to))
            )
            entered.append(self.acts.enter(unit, self._units[unit.id][1], TYPES[n % len(TYPES)], ends))
        return entered

    def _approve(self, person_ids: list[UUID]) -> None:
        for person_id in person_ids:
            unit_id = session().get_one(Person, person_id).unit_id
            self.acts.decide_person(person_id, self._units[unit_id][1])
        enrollments.refresh_need(person_ids)

    def _needing(self, need: str, count: int, code: str = "") -> list[UUID]:
        """Persons whose need is this today, of one province if given; nobody twice."""
        enrollments.refresh_need()
        query = (
            select(Person)
            .join(TrainingNeed)
            .where(TrainingNeed.need == need, Person.state == "approved")
            .order_by(Person.id)
        )
        found = [p.id for p in session().scalars(query) if not code or self._units[p.unit_id][1] == code]
        return found[:count]

    def _seed_example(self) -> None:
        """S72–S75: today 2013-05-08; a certificate to 2013-10-31 needs renewal, one to 2014-10-31 a refresher."""
        acts, unit = self.acts, self._by_kind["enterprise"][0]
        code = self._units[unit.id][1]
        acts.at(date(2013, 5, 8))
        renewing, refreshing = (
            acts.enter(unit, code, "MANAGER_PROD", ends) for ends in (date(2013, 10, 31), date(2014, 10, 31))
        )
        self._approve([renewing, refreshing])
        begun = []
        for kind, person_id, starts in (
            ("renewal", renewing, date(2013, 5, 27)),
            ("refresher", refreshing, date(2013, 6, 17)),
        ):
            class_id = acts.draft_class(f"province-{code}", kind, starts, place="济南")
            begun.append((class_id, acts.enroll(class_id, [person_id]), starts))
        for class_id, enrolled, starts in begun:
            self._run(class_id, enrolled, starts, weak_every=10**6)

    def _run(
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
        """A class from the confirmation of its enrolments to its end."""
        acts = self.acts
        confirmed = acts.confirm(enrolled, refuse_every)
        present = confirmed[: len(confirmed) - absent]
        acts.at(starts, 8)
        acts.check_in(present)
        acts.at(starts + timedelta(days=6), 15)
        acts.score(present, weak_every)
        acts.return_score(present)
        self._close_check_in(class_id)
        acts.at(starts + timedelta(days=9), 10)
        acts.confirm_scores(present)
        acts.make_up(present)
        acts.at(starts + timedelta(days=12), 10)
        acts.certify(present, refuse=void)
        acts.at(starts + timedelta(days=13))

    def _last_year(self) -> None:
        acts = self.acts
        acts.at(self.ago(420))
        self._approve(self._enter(int(FIRST * self.share), (-30, 660), 0.22))
        starts = self.ago(395)
        initial = acts.draft_class("association", "initial", starts, place="北京")
        self._run(
            initial, acts.enroll(initial, self._needing("initial", 30)), starts, refuse_every=14, void=1, absent=2
        )

    def _this_year(self) -> None:
        acts, year = self.acts, self.last.year
        starts = max(date(year, 1, 12), self.ago(190))
        acts.at(starts - timedelta(days=30))
        refresher = acts.draft_class("province-37", "refresher", starts, place="济南")
        self._run(refresher, acts.enroll(refresher, self._needing("refresher", 24, "37")), starts)
        acts.at(self.ago(150))
        given_up = acts.draft_class("association", "initial", self.ago(110), place="贵阳")
        acts.enroll(given_up, self._needing("initial", 5))
        acts.at(self.ago(140))
        classes.cancel_class(acts.accounts["association"], given_up, "承办场地检修，改期举办。")
        acts.at(self.ago(139))

    def _this_autumn(self) -> None:
        acts = self.acts
        acts.at(self.ago(75))
        self._approve(
            self._enter(int(SECOND * self.share), (-10, 800), 0.35) + self._enter(24, (0, 0), 1.0, academies=True)
        )
        self._certifying()
        self._scored()
        self._running()
        self._closed()
        self._enrolling()

    def _certifying(self) -> None:
        """A renewal class whose scores are confirmed; some certificates still wait for print and approval."""
        acts, starts = self.acts, self.ago(50)
        acts.at(self.ago(70))
        class_id = acts.draft_class("province-37", "renewal", starts, place="临沂")
        confirmed = acts.confirm(acts.enroll(class_id, self._needing("renewal", 26, "37")), refuse_every=12)
        acts.at(starts, 8)
        acts.check_in(confirmed)
        acts.at(starts + timedelta(days=3), 15)
        acts.score(confirmed)
        self._close_check_in(class_id)
        acts.at(starts + timedelta(days=5), 10)
        acts.confirm_scores(confirmed)
        acts.make_up(confirmed)
        acts.certify(confirmed[: len(confirmed) * 6 // 10])
        for case_id in acts.open(confirmed, "print_certificate")[:4]:
            acts.complete(case_id, "print_certificate", acts.accounts["association"])

    def _close_check_in(self, class_id: UUID) -> None:
        case = self.acts.class_case(class_id)
        for case_id in self.acts.open([case.id], "close_check_in"):
            self.acts.complete(case_id, "close_check_in", self.acts.accounts["association"], sure="true")

    def _scored(self) -> None:
        """An initial class whose scores wait for the association."""
        acts, starts = self.acts, self.ago(14)
        acts.at(self.ago(38))
        class_id = acts.draft_class("association", "initial", starts, place="武汉")
        confirmed = acts.confirm(acts.enroll(class_id, self._needing("initial", 28)), refuse_every=13)
        acts.at(starts, 8)
        acts.check_in(confirmed)
        acts.at(starts + timedelta(days=6), 16)
        acts.score(confirmed)
        self._close_check_in(class_id)

    def _running(self) -> None:
        """A renewal class in its days: most checked in, some scored."""
        acts, starts = self.acts, self.ago(2)
        acts.at(self.ago(8))
        class_id = acts.draft_class(
            "province-42", "renewal", starts, place="武汉", enrol_until=str(self.ago(4)), ends_on=str(self.last)
        )
        confirmed = acts.confirm(acts.enroll(class_id, self._needing("renewal", 20)))
        acts.at(starts, 8)
        present = confirmed[: max(2, len(confirmed) * 7 // 10)]
        acts.check_in(present)
        acts.at(self.ago(1), 9)
        acts.score(present[: len(present) // 2], weak_every=10**6)

    def _closed(self) -> None:
        """A refresher class whose enrolment ended yesterday."""
        acts = self.acts
        starts = self.last + timedelta(days=6)
        class_id = acts.draft_class("province-37", "refresher", starts, place="青岛", enrol_until=str(self.ago(1)))
        acts.confirm(acts.enroll(class_id, self._needing("refresher", 18, "37")))
        classes.close_enrolment(acts.accounts["province-37"], class_id)

    def _enrolling(self) -> None:
        """Two classes that take enrolments, with confirmations waiting in many provinces; and a draft."""
        acts = self.acts
        acts.at(self.ago(1), 10)
        initial = acts.draft_class("association", "initial", self.last + timedelta(days=25), place="郑州")
        cases = acts.enroll(initial, self._needing("initial", 60))
        acts.confirm(cases[:16])
        renewal = acts.draft_class("province-37", "renewal", self.last + timedelta(days=14), place="济南")
        acts.confirm(acts.enroll(renewal, self._needing("renewal", 40))[:10])
        acts.draft_class("province-42", "refresher", self.last + timedelta(days=40), place="宜昌", decision="keep")

    def _latest(self) -> None:
        """Yesterday's entries: drafts, some waiting for their province, some sent back, one deregistered."""
        acts = self.acts
        acts.at(self.ago(1), 14)
        entered = self._enter(14, (60, 700), 0.3)
        for person_id in entered[:4]:
            unit_id = session().get_one(Person, person_id).unit_id
            acts.decide_person(person_id, self._units[unit_id][1], "照片与证件照要求不符，请重新上传白底近照。")
        unit = self._by_kind["enterprise"][0]
        for _ in range(2):
            acts.enter(unit, self._units[unit.id][1], "MANAGER_PROD", submit=False)
        leaving = (
            session()
            .scalars(
                select(Person)
                .join(TrainingNeed)
                .where(Person.state == "approved", TrainingNeed.need == "none")
                .limit(1)
            )
            .one()
        )
        person_records.deregister_person(
            acts.accounts.province(self._units[leaving.unit_id][1]), leaving.id, "已调离民爆行业。"
        )
        enrollments.refresh_need()
