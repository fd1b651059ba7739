"""One row of a batch: why it was refused, in words for its line. A fault is logged and goes no further."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field

import structlog

from service.errors import N_, AnpeiError, InvalidInput, Message
from service.models.db.errors import DATABASE_ERRORS, is_away
from service.models.db.errors import refusal_of as refusal_of_database
from service.models.db.ids import new_id

log = structlog.get_logger("anpei.batch")

FAULT = N_("办理这一项时系统出错，其他各项不受影响。故障已记录，请把编号 %(fault)s 告诉系统管理员。")


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason of one row, and what is wrong with each of its fields. fault: number in the log, '' for a rule."""

    message: Message
    fields: dict[str, Message] = field(default_factory=dict)
    fault: str = ""

    @property
    def first(self) -> Message:
        """The one message that says most: of a field, if any."""
        return next(iter(self.fields.values()), self.message)


def refusal_of(error: Exception, act: str) -> Refusal:
    """Say why a row was not done. Anything but a rule of the service is logged as a fault, without its text: that of a
    database error holds personal data.

    The caller has undone the row. Raises the error again when the database is away: no row can be done then.
    """
    if isinstance(error, InvalidInput):
        return Refusal(error.message, dict(error.fields))
    if isinstance(error, AnpeiError) and error.status < 500:
        return Refusal(error.message)
    if isinstance(error, DATABASE_ERRORS) and (said := refusal_of_database(error)):
        if is_away(error):
            raise error
        return Refusal(said.message)
    fault = new_id().hex[-8:]
    frames = traceback.extract_tb(error.__traceback__)
    trace = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    log.error("row fault", fault=fault, act=act, kind=type(error).__name__, trace=trace)
    return Refusal(Message(FAULT, fault=fault), fault=fault)
