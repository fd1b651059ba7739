"""Standard functions on numbers (clause 10.3.4.5)."""

from __future__ import annotations

from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
)
from functools import partial
from typing import Any

from service.engine.feel.operators import minus
from service.engine.feel.signatures import Overload, builtin
from service.engine.feel.temporal import DaysDuration, YearsDuration
from service.engine.feel.values import DIGITS, Value, number

FORMS: dict[str, list[Overload]] = {}
_builtin = partial(builtin, FORMS)

SCALES = range(-6111, 6177)


def _rounded(value: Decimal, scale: Decimal, rounding: str) -> Value:
    places = int(scale.to_integral_value(ROUND_FLOOR))
    exponent = value.as_tuple().exponent
    if places not in SCALES or not isinstance(exponent, int):
        return None
    if places >= -exponent:
        return value
    if value.adjusted() < -places - 1:  # smaller than a tenth of the unit: the digits do not matter, the sign does
        value = Decimal((int(value < 0), (1,), -places - 2)) if value else Decimal(0)
    return number(value.quantize(Decimal((0, (1,), -places)), rounding, DIGITS))


@_builtin("decimal(n: number, scale: number)")
def _decimal(value: Decimal, scale: Decimal) -> Value:
    return _rounded(value, scale, ROUND_HALF_EVEN)


@_builtin("floor(n: number, scale?: number)")
def _floor(value: Decimal, scale: Decimal = Decimal(0)) -> Value:
    return _rounded(value, scale, ROUND_FLOOR)


@_builtin("ceiling(n: number, scale?: number)")
def _ceiling(value: Decimal, scale: Decimal = Decimal(0)) -> Value:
    return _rounded(value, scale, ROUND_CEILING)


for _name, _rounding in {
    "round up": ROUND_UP,
    "round down": ROUND_DOWN,
    "round half up": ROUND_HALF_UP,
    "round half down": ROUND_HALF_DOWN,
}.items():
    _builtin(f"{_name}(n: number, scale: number)")(partial(_rounded, rounding=_rounding))


@_builtin("abs(n: number)", "abs(n: duration)")
def _abs(value: Any) -> Value:
    if isinstance(value, DaysDuration | YearsDuration):
        return minus(value) if str(value).startswith("-") else value
    return number(DIGITS.abs(value))


@_builtin("modulo(dividend: number, divisor: number)")
def _modulo(dividend: Decimal, divisor: Decimal) -> Value:
    if not divisor:
        return None
    rest = DIGITS.remainder(dividend, divisor)
    if not rest.is_finite():
        quotient = DIGITS.divide(dividend, divisor).to_integral_value(ROUND_FLOOR)
        return number(DIGITS.subtract(dividend, DIGITS.multiply(divisor, quotient)))
    return number(DIGITS.add(rest, divisor) if rest and (rest < 0) != (divisor < 0) else rest)


@_builtin("sqrt(number: number)")
def _sqrt(value: Decimal) -> Value:
    return number(DIGITS.sqrt(value)) if value >= 0 else None


@_builtin("log(number: number)")
def _log(value: Decimal) -> Value:
    return number(DIGITS.ln(value)) if value > 0 else None


@_builtin("exp(number: number)")
def _exp(value: Decimal) -> Value:
    return number(DIGITS.exp(value))


@_builtin("odd(number: number)")
def _odd(value: Decimal) -> Value:
    return DIGITS.remainder_near(value, Decimal(2)).copy_abs() == 1


@_builtin("even(number: number)")
def _even(value: Decimal) -> Value:
    return value == value.to_integral_value() and not _odd(value)
