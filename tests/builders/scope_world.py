"""Random worlds for the test of scopes: rows of every scoped table, each beside the ``ScopedObject`` that it stands for.

Rows are inserted without the unit of work, in a transaction that the test rolls back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from service.domain.accounts.roles import Role
from service.domain.accounts.scopes import Actor, Audience, ScopedObject
from service.domain.training.classes import ClassState
from service.domain.training.plans import PlanState
from service.domain.units.units import UnitKind, UnitState
from service.models.db.clock import now, today
from service.models.db.collation import name_keys
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.queries.scope import TABLES
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.notices.notice import Notice
from service.models.tables.notices.ticket import Ticket
from service.models.tables.persons.person import Person, QualificationType
from service.models.tables.runtime.case import Case, Task
from service.models.tables.runtime.process import DefinitionVersion
from service.models.tables.training.training import (
    ENDED_ENROLLMENT,
    LIVE_ENROLLMENT,
    Enrollment,
    TrainingClass,
    TrainingNeed,
    TrainingPlan,
)
from service.models.tables.units.organisation import AcademyLink, Organisation, authority_id

PROVINCES = (authority_id("37"), authority_id("41"))
MINISTRY, ASSOCIATION, PLATFORM = (authority_id(code) for code in ("ministry", "association", "platform"))
HOMES: dict[Role, tuple[UUID, ...]] = {
    Role.MINISTRY: (MINISTRY,),
    Role.ASSOCIATION: (ASSOCIATION,),
    Role.PROVINCIAL_AUTHORITY: PROVINCES,
    Role.SYS_ADMIN: (PLATFORM,),
    Role.SECURITY_ADMIN: (PLATFORM,),
    Role.AUDIT_ADMIN: (PLATFORM,),
    Role.PROCESS_ADMIN: (PLATFORM,),
}


class ScopeWorld:
    """Rows in the database and what scopes know of them.

    objects: by table and id. actors: by account, at least one of each role.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._serial = random.randrange(1000) * 1000
        self.objects: dict[type[Any], dict[UUID, ScopedObject]] = {model: {} for model in TABLES}
        self.actors: dict[UUID, Actor] = {}
        self._type = session().scalars(select(QualificationType.id)).first()
        self._definition = session().scalars(select(DefinitionVersion.digest)).first()
        self._make_organisations()
        self._make_accounts()
        self._make_persons()
        self._make_classes()
        self._make_enrollments()
        self._describe_persons()
        self._make_plans()
        self._make_business_cases()
        self._make_tickets()
        self._make_tasks()
        self._make_notices()

    def _add(self, model: type[Any], scoped: ScopedObject | None = None, /, **values: Any) -> UUID:
        key: UUID = values.setdefault("id", new_id()) if model is not TrainingNeed else values["person_id"]
        if model is Organisation:  # plain statements go past the listener that keeps them
            values |= name_keys(values["name"])
        session().execute(insert(model), [values])
        if scoped is not None:
            self.objects[model][key] = scoped
        return key

    def _next(self) -> int:
        self._serial += 1
        return self._serial

    def _pick(self, options: Sequence[Any]) -> Any:
        return self._random.choice(list(options))

    def _maybe(self, options: Sequence[Any]) -> Any:
        return self._pick((None, *options))

    def _some(self, options: Sequence[Any], most: int = 2) -> list[Any]:
        return self._random.sample(list(options), self._random.randint(0, min(most, len(options))))

    def _make_organisations(self) -> None:
        for key, authority in session().execute(select(Organisation.id, Organisation.authority_id)):
            self.objects[Organisation][key] = ScopedObject(unit=key, authority=authority)
        self.institutions = [self._add_institution() for _ in range(2)]
        self.units: dict[UUID, ScopedObject] = {}
        self._groups: list[UUID] = []
        first = (UnitKind.GROUP, UnitKind.GROUP, UnitKind.ENTERPRISE, UnitKind.BRANCH, UnitKind.ACADEMY)
        for kind in (*first, *(self._pick(UnitKind) for _ in range(4))):
            self._add_unit(kind)
        self._kinds = {
            key: kind
            for key, kind in session().execute(select(Organisation.id, Organisation.kind))
            if key in self.units
        }

    def _add_institution(self) -> UUID:
        key = new_id()
        name = f"培训中心{self._next()}"
        subject = ScopedObject(unit=key)
        return self._add(Organisation, subject, id=key, kind="training_institution", name=name)

    def _add_unit(self, kind: UnitKind) -> None:
        key = new_id()
        parent = self._pick(self._groups) if kind is UnitKind.BRANCH else None
        authority = self._maybe(PROVINCES) if kind is UnitKind.ACADEMY else self._pick(PROVINCES)
        state = self._pick(UnitState)
        linked = self._some(self.institutions) if kind is UnitKind.ACADEMY else []
        subject = ScopedObject(
            unit=key,
            parent=parent,
            is_deleted=state is UnitState.DELETED,
            authority=authority,
            is_academy=kind is UnitKind.ACADEMY,
            linked=frozenset(linked),
        )
        self._add(
            Organisation,
            subject,
            id=key,
            kind=kind.value,
            name=f"单位{self._next()}",
            state=state.value,
            parent_id=parent,
            authority_id=authority,
        )
        for institution in linked:
            session().execute(insert(AcademyLink), [{"academy_id": key, "institution_id": institution}])
        self.units[key] = subject
        if kind is UnitKind.GROUP:
            self._groups.append(key)

    def _make_accounts(self) -> None:
        homes = dict(HOMES)
        homes[Role.TRAINING_INSTITUTION] = tuple(self.institutions)
        homes[Role.GROUP] = tuple(self._groups[:2])
        others = [key for key, kind in self._kinds.items() if kind in (UnitKind.ENTERPRISE, UnitKind.BRANCH)]
        homes[Role.ENTERPRISE] = (*others[:3],)
        for role, organisations in homes.items():
            for organisation in organisations:
                self._add_account(role, organisation)

    def _add_account(self, role: Role, organisation: UUID) -> None:
        authority = organisation if role is Role.PROVINCIAL_AUTHORITY else None
        if organisation in self.units:
            authority = self.units[organisation].authority
        key = self._add(
            User,
            login=f"scope-{self._next()}",
            organisation_id=organisation,
            role=role.value,
            display_name="张甲子",
            password_hash="x",
            must_change=False,
        )
        self.actors[key] = Actor(key, role, organisation, authority)

    def _make_persons(self) -> None:
        self._unit_of: dict[UUID, UUID] = {}
        for unit in self.units:
            for _ in range(self._random.randint(1, 2)):
                key = self._add(
                    Person,
                    name="李乙丑",
                    id_number="x",
                    id_number_digest=str(self._next()).encode(),
                    id_number_masked="x",
                    sex="female",
                    birth_date=date(1980, 1, 1),
                    unit_id=unit,
                    qualification_type_id=self._type,
                )
                self._unit_of[key] = unit

    def _make_classes(self) -> None:
        self._classes: dict[UUID, ScopedObject] = {}
        for state in (ClassState.DRAFT, ClassState.ENROLLING, *(self._pick(ClassState) for _ in range(4))):
            organiser = self._pick((ASSOCIATION, *PROVINCES))
            institution = self._pick(self.institutions)
            is_published = state is not ClassState.DRAFT
            subject = ScopedObject(
                organiser=organiser, host=institution if is_published else None, is_published=is_published
            )
            day = today()
            key = self._add(
                TrainingClass,
                subject,
                code=f"K{self._next()}",
                title="培训班",
                kind="renewal",
                organiser_id=organiser,
                institution_id=institution,
                place="济南",
                enrol_from=day,
                enrol_until=day,
                starts_on=day,
                ends_on=day,
                hours=16,
                capacity=10,
                qualification_types=[],
                state=state.value,
            )
            self._classes[key] = subject

    def _make_enrollments(self) -> None:
        """An enrolment keeps the unit and the authority it was confirmed for, though the person may have moved since (R42)."""
        self._hosts: dict[UUID, set[UUID]] = {person: set() for person in self._unit_of}
        for person, unit in self._unit_of.items():
            for number, class_id in enumerate(self._some(list(self._classes))):
                then = self._pick((unit, unit, *self.units))
                authority = self._pick((self.units[then].authority, *PROVINCES))
                found = self._classes[class_id]
                subject = _of_unit(self.units[then], authority=authority, organiser=found.organiser, host=found.host)
                if found.host:
                    self._hosts[person].add(found.host)
                self._add(
                    Enrollment,
                    subject,
                    class_id=class_id,
                    person_id=person,
                    unit_id=then,
                    authority_id=authority,
                    via="enterprise",
                    enrolled_on=today(),
                    kind="renewal",
                    state=self._pick(ENDED_ENROLLMENT if number else LIVE_ENROLLMENT),
                    case_id=new_id(),
                )

    def _describe_persons(self) -> None:
        """Persons, their training needs and certificates."""
        for person, unit in self._unit_of.items():
            own = self.units[unit]
            trained = _of_unit(own, authority=own.authority, trained_by=frozenset(self._hosts[person]))
            self.objects[Person][person] = trained
            self._add(
                TrainingNeed,
                trained,
                person_id=person,
                need="none",
                as_of=today(),
                reference_date=today(),
                decision="x",
                unit_id=unit,
                qualification_type_id=self._type,
                state="approved",
            )
            self._add(
                Certificate,
                trained,
                number=f"{self._next():014d}"[-14:],
                person_id=person,
                qualification_type_id=self._type,
                first_issued_on=today(),
                issued_on=today(),
                valid_to=today() + timedelta(days=1),
            )

    def _make_plans(self) -> None:
        for state in (PlanState.DRAFT, *(self._pick(PlanState) for _ in range(3))):
            owner = self._pick((ASSOCIATION, *PROVINCES))
            subject = ScopedObject(organiser=owner, is_published=state is not PlanState.DRAFT)
            self._add(TrainingPlan, subject, year=2026, title="计划", kind="renewal", owner_id=owner, state=state.value)

    def _make_business_cases(self) -> None:
        for _ in range(8):
            unit = self._maybe(list(self.units))
            authority = self._pick((self.units[unit].authority, *PROVINCES)) if unit else self._maybe(PROVINCES)
            organiser, host = self._maybe((ASSOCIATION, *PROVINCES)), self._maybe(self.institutions)
            own = self.units[unit] if unit else ScopedObject()
            subject = _of_unit(own, authority=authority, organiser=organiser, host=host, is_business=True)
            self._add_case(
                subject,
                "training_enrollment",
                unit_id=unit,
                authority_id=authority,
                organiser_id=organiser,
                institution_id=host,
            )

    def _add_case(self, subject: ScopedObject, process: str, **values: Any) -> UUID:
        return self._add(
            Case,
            subject,
            process=process,
            definition=self._definition,
            state=b"",
            seq=1,
            last_hash="x",
            started_at=now(),
            moved_at=now(),
            **values,
        )

    def _make_tickets(self) -> None:
        """A ticket is asked by one account and routed to a role of an organisation, or not yet; a complaint accuses another."""
        accounts = list(self.actors)
        for _ in range(8):
            requester, desk = self._pick(accounts), self._maybe(list(self.actors.values()))
            accused = self._maybe([key for key in accounts if key != requester])
            asked = self.actors[requester]
            audience = Audience(roles=_set(desk.role), recipients=_set(desk.organisation)) if desk else None
            subject = ScopedObject(audience=audience, account=requester, excluded=accused)
            # a case of a ticket belongs to no unit's business, even if the columns say where the requester works
            case_id = self._add_case(
                subject, "support_ticket", unit_id=asked.organisation, authority_id=asked.authority
            )
            self._add(
                Ticket,
                subject,
                number=f"KF{self._next()}",
                kind="complaint" if accused else "technical",
                subject="问题",
                body="问题",
                requester_id=requester,
                organisation_id=asked.organisation,
                desk_role=desk.role.value if desk else None,
                desk_id=desk.organisation if desk else None,
                accused_id=accused,
                case_id=case_id,
            )

    def _make_tasks(self) -> None:
        """For the role of enterprises of any unit, a role of an organisation, or one account."""
        case_id = next(iter(self.objects[Case]))
        for _ in range(12):
            actor = self._pick(list(self.actors.values()))
            unit = self._pick(list(self.units))
            role, where, own = self._pick(
                (
                    (Role.ENTERPRISE, unit, self.units[unit]),
                    (actor.role, actor.organisation, self.units.get(actor.organisation, ScopedObject())),
                    (actor.role, actor.user, ScopedObject()),
                )
            )
            barred = self._maybe(list(self.actors))
            audience = Audience(roles=_set(role), recipients=_set(where))
            scoped = own if role is Role.ENTERPRISE else ScopedObject()
            subject = _of_unit(scoped, authority=None, audience=audience, excluded=barred)
            self._add(
                Task,
                subject,
                case_id=case_id,
                token=str(self._next()),
                kind="p/e",
                element="e",
                name="任务",
                process="p",
                definition="d",
                role=role.value,
                organisation_id=where,
                opened_at=now(),
                sort_at=now(),
                facts={"barred": str(barred)} if barred else {},
                state=self._pick(("open", "completed")),
            )

    def _make_notices(self) -> None:
        for _ in range(12):
            state = self._pick(("draft", "published", "published", "withdrawn"))
            author = self._maybe((ASSOCIATION, *PROVINCES))
            alone = self._maybe(list(self.units))
            provinces, roles = self._some(PROVINCES, 1), self._some(list(Role), 3)
            units = self._some(list(self.units), 3)
            audience = Audience(provinces=frozenset(provinces), roles=frozenset(roles), recipients=frozenset(units))
            if alone:
                audience = Audience(recipients=_set(alone))
            is_published = state == "published"
            subject = ScopedObject(
                organiser=None if alone else author,
                is_published=is_published and not alone,
                audience=audience if is_published else None,
            )
            self._add(
                Notice,
                subject,
                kind="reminder" if alone else "bulletin",
                title="通知",
                author_id=author,
                authorities=[str(key) for key in provinces],
                roles=[role.value for role in roles],
                units=[str(key) for key in units],
                organisation_id=alone,
                state=state,
                published_at=None if state == "draft" else datetime.now(now().tzinfo),
            )


def _set(value: Any) -> frozenset[Any]:
    return frozenset({value})


def _of_unit(unit: ScopedObject, authority: UUID | None, **more: Any) -> ScopedObject:
    """Return what belongs to a unit; authority: its own, or the one that a row remembers."""
    return ScopedObject(
        unit=unit.unit,
        parent=unit.parent,
        is_deleted=unit.is_deleted,
        authority=authority,
        is_academy=unit.is_academy,
        linked=unit.linked,
        **more,
    )
