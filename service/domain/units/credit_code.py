"""Unified social credit codes (GB 32100-2015). Which units need one is said in units.py."""

from __future__ import annotations

import re
import unicodedata

from service.errors import N_, InvalidInput

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # no I, O, S, V, Z


def check_character(first: str) -> str:
    """The last character that GB 32100 gives to the first 17: weights 3^i mod 31."""
    total = sum(ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(first))
    return ALPHABET[-total % 31]


def parse_credit_code(text: str | None, field: str = "credit_code") -> str:
    """Read a credit code: 18 characters, capitals, with a right check character; raises ``InvalidInput``.

    The inner code of GB 11714 is not enforced: registries hold exceptions.
    """
    code = re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", text or "")).upper()
    if not re.fullmatch(f"[{ALPHABET}]{{18}}", code):
        raise InvalidInput(
            {field: N_("统一社会信用代码应为 18 位数字或大写字母，不含 I、O、S、V、Z，请对照营业执照核对。")}
        )
    if check_character(code[:17]) != code[17]:
        raise InvalidInput({field: N_("统一社会信用代码校验不符，请对照营业执照逐位核对。")})
    return code
