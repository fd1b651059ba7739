"""Accounts: named persons of an organisation in one role."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, false, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship, validates

from service.domain.accounts.roles import Role, UserState
from service.domain.persons.identity import mask
from service.domain.values.validators import mask_mail
from service.models.db.clock import now
from service.models.db.encryption import encrypted_text
from service.models.db.ids import new_id
from service.models.db.session import Base, session
from service.models.db.tracked import Audited
from service.models.tables.units.organisation import Organisation
from service.validation.characters import LINE, is_storable


class User(Audited, Base):
    """A login (domain.md §7). password_hash: argon2id, password_at: when it was set; epoch: rises when sessions must
    end (R4); preferences: language, theme, wanted mails; awaits_assent: without any right until the security
    administrator assents; privacy_version: of the notice last read; phone and mail in whole:
    for their owner, and for sending.
    """

    __tablename__ = "user_account"
    __survives_commit__ = True
    __redacted__ = frozenset({"password_hash"})
    login: Mapped[str] = mapped_column(String(40))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    role: Mapped[str] = mapped_column(String(24))
    display_name: Mapped[str] = mapped_column(String(50))
    password_hash: Mapped[str] = mapped_column(String(200))
    password_at: Mapped[datetime] = mapped_column(default=now)
    must_change: Mapped[bool] = mapped_column(default=True)
    state: Mapped[str] = mapped_column(String(10), default=UserState.ACTIVE)
    locked_until: Mapped[datetime | None]
    last_login: Mapped[datetime | None]
    epoch: Mapped[int] = mapped_column(default=1)
    preferences: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    awaits_assent: Mapped[bool] = mapped_column(default=False, server_default=false())
    privacy_version: Mapped[int] = mapped_column(default=0, server_default="0")
    phone: Mapped[str | None] = encrypted_text("phone_sealed")
    phone_masked: Mapped[str | None] = mapped_column(String(20))
    mail: Mapped[str | None] = encrypted_text("mail_sealed")
    mail_masked: Mapped[str | None] = mapped_column(String(120))
    organisation: Mapped[Organisation] = relationship(lazy="raise_on_sql")
    __table_args__ = (
        CheckConstraint(f"role IN {tuple(str(role) for role in Role)}", name="role"),
        CheckConstraint("state IN ('active', 'locked', 'disabled')", name="state"),
        Index("uq_user_account_login", func.lower(login), unique=True),
    )

    is_authenticated = True
    is_anonymous = False

    @property
    def is_active(self) -> bool:
        """Tell whether the account is neither disabled nor waiting for the security administrator's assent."""
        return self.state != UserState.DISABLED and not self.awaits_assent

    @validates("phone")
    def _mask_phone(self, _key: str, phone: str | None) -> str | None:
        self.phone_masked = mask(phone) if phone else None
        return phone or None

    @validates("mail")
    def _mask_mail(self, _key: str, mail: str | None) -> str | None:
        self.mail_masked = mask_mail(mail) if mail else None
        return mail or None

    @staticmethod
    def by_login(login: str) -> User | None:
        """The account with this login, whatever its case, with its organisation."""
        if not is_storable(login, LINE):
            return None
        query = (
            select(User).options(joinedload(User.organisation)).where(func.lower(User.login) == login.strip().lower())
        )
        return session().scalars(query).one_or_none()

    @staticmethod
    def active_ids(role: str, *, lock: bool) -> list[UUID]:
        """The accounts of a role that may work; locked, none of them is lost before the transaction ends."""
        query = select(User.id).where(User.role == role, User.state != UserState.DISABLED, ~User.awaits_assent)
        return list(session().scalars(query.order_by(User.id).with_for_update() if lock else query))

    @staticmethod
    def holds_active(user_id: UUID) -> bool:
        """Tell whether the account may work; it is neither disabled nor moved then before the transaction ends (R4)."""
        active = User.id == user_id, User.state != UserState.DISABLED, ~User.awaits_assent
        return session().scalar(select(User.id).where(*active).with_for_update(read=True)) is not None

    def take_turn(self) -> None:
        """Read what may have changed and lock the row: of two changes that bear with each other none is refused."""
        changing = ("version", "password_hash", "state", "awaits_assent", "must_change", "epoch", "preferences")
        session().refresh(self, changing, with_for_update={"key_share": True})

    @staticmethod
    def get(user_id: UUID) -> User | None:
        """The account with this id, with its organisation, in one query."""
        query = select(User).options(joinedload(User.organisation)).where(User.id == user_id)
        return session().scalars(query).one_or_none()


class FormerPassword(Base):
    """The hash of a password that an account had before, so that it does not come back (domain.md §5.1)."""

    __tablename__ = "former_password"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime] = mapped_column(default=now)
    password_hash: Mapped[str] = mapped_column(String(200))
    __table_args__ = (Index(None, "user_id", "at"),)

    @staticmethod
    def of(user_id: UUID) -> list[FormerPassword]:
        """Those that are remembered, the latest first."""
        query = select(FormerPassword).where(FormerPassword.user_id == user_id)
        return list(session().scalars(query.order_by(FormerPassword.at.desc(), FormerPassword.id.desc())))
