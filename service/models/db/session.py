"""The database handle, ids, the clock, and ``transaction()``: the one place where a use case is committed."""

from __future__ import annotations

from datetime import datetime

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, MetaData
from sqlalchemy.orm import DeclarativeBase, Session, registry


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
    __survives_commit__ = False  # whether a loaded row is still good in the next transaction (who is signed in)


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


def session() -> Session:
    """The session of the running request, command or job."""
    return db.session()
