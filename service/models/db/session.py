"""The database handle, the root of all tables, and the session at hand."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, MetaData
from sqlalchemy.orm import DeclarativeBase, registry

from service.models.db.unit_of_work import UnitOfWork


class Base(DeclarativeBase):
    """Root of all tables. Instants are aware and UTC; civil dates are Asia/Shanghai."""

    registry = registry(
        type_annotation_map={datetime: DateTime(timezone=True)},
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
    )
    __survives_commit__ = False  # a loaded row is still good in the next transaction (the account signed in)


db = SQLAlchemy(model_class=Base, session_options={"class_": UnitOfWork, "expire_on_commit": False})


def session() -> UnitOfWork:
    """The session of the running request, command or job."""
    return cast(UnitOfWork, db.session())
