"""The reasons people must give when they refuse, withdraw, deregister, revoke or print again."""

from __future__ import annotations

import unicodedata

from service.errors import N_, InvalidInput, Message

LONGEST = 500


def parse_reason(text: str | None, field: str = "reason") -> str:
    """A reason of 1 to 500 characters, trimmed (R13, R17, R46, R51, R58, R60, R62)."""
    reason = unicodedata.normalize("NFC", text or "").strip()
    if not reason:
        raise InvalidInput({field: N_("请写明原因，对方会看到这段话。")})
    if len(reason) > LONGEST:
        raise InvalidInput({field: Message(N_("原因最多 %(longest)s 字，请精简。"), longest=LONGEST)})
    return reason
