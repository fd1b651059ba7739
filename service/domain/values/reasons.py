"""The reasons people must give when they refuse, withdraw, deregister, revoke or print again."""

from __future__ import annotations

import unicodedata

from service.errors import N_, InvalidInput, Message
from service.validation.characters import is_storable, tidy
from service.validation.messages import NOT_STORABLE, TOO_LONG

LONGEST = 500


def parse_reason(text: str | None, field: str = "reason") -> str:
    """Read a reason of 1 to 500 characters, trimmed (R13, R17, R46, R51, R58, R60, R62)."""
    reason = tidy(unicodedata.normalize("NFC", text or ""))
    if not reason:
        raise InvalidInput({field: N_("请写明原因，对方会看到这段话。")})
    if len(reason) > LONGEST:
        raise InvalidInput({field: Message(TOO_LONG, most=LONGEST, now=len(reason))})
    if not is_storable(reason):
        raise InvalidInput({field: NOT_STORABLE})
    return reason
