"""Unified social credit codes (GB 32100-2015). Which units need one is said in units.py."""

from __future__ import annotations

import re

from service.domain.units.provinces import PROVINCES
from service.domain.values.validators import normalise
from service.errors import N_, InvalidInput

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # no I, O, S, V, Z


_REGIONS = frozenset(PROVINCES) | {"10"}  # 10: registered with the centre
MISFIT = N_("统一社会信用代码校验不符，请对照营业执照逐位核对；执照上确是此号的，由省级主管部门填写核实说明后保存。")


def is_fit(code: str) -> bool:
    """Tell whether the check character is that of the standard."""
    return check_character(code[:17]) == code[17]


def check_character(first: str) -> str:
    """The last character that GB 32100 gives to the first 17: weights 3^i mod 31."""
    total = sum(ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(first))
    return ALPHABET[-total % 31]


def parse_credit_code(text: str | None, field: str = "credit_code", *, is_vouched: bool = False) -> str:
    """Read a credit code: 18 characters, capitals, with a right check character; raises ``InvalidInput``.

    The inner code of GB 11714 is not enforced: registries hold exceptions. is_vouched: an authority says that the
    licence bears a code whose check character is another one, which registries hold too.
    """
    code = normalise(text)
    if not re.fullmatch(f"[{ALPHABET}]{{18}}", code):
        raise InvalidInput(
            {field: N_("统一社会信用代码应为 18 位数字或大写字母，不含 I、O、S、V、Z，请对照营业执照核对。")}
        )
    if code[0] == "0" or not code[2:8].isdigit() or code[2:4] not in _REGIONS:
        raise InvalidInput({field: N_("统一社会信用代码第 1 位或第 3 至 8 位（登记地）不对，请对照营业执照核对。")})
    if not is_fit(code) and not is_vouched:
        raise InvalidInput({field: MISFIT})
    return code
