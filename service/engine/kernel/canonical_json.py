"""The canonical form of data, over which every digest goes: JSON, keys sorted, no spaces, UTF-8."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import orjson

DIGEST_VERSION = 1  # stands in every row of a journal: another canonical form is another version


def canonical(value: Any) -> bytes:
    """Canonical JSON.

    For data of cases (no floats, integers within 53 bits, no lone surrogates) equal to json.dumps.
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest(value: Any) -> str:
    """Hex SHA-256 of the canonical form."""
    return hashlib.sha256(canonical(value)).hexdigest()


def salted(salt: bytes, value: Any) -> str:
    """Hex HMAC-SHA-256 of the canonical form under a salt, which once erased leaves nothing to guess from."""
    return hmac.digest(salt, canonical(value), "sha256").hex()
