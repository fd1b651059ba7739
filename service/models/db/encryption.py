"""Personal data at rest: AES-256-GCM with the key's id in each value, and a keyed digest for whole-number search.

Columns are declared with the types below, so that no caller encrypts or decrypts.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Dialect, LargeBinary, TypeDecorator
from sqlalchemy.orm import MappedColumn, mapped_column

from service.config import settings

ENCRYPTED = "encrypted"  # the group of deferred columns of a table


class EncryptedBytes(TypeDecorator[bytes]):
    """Bytes that are stored encrypted.

    Two encryptions of one value differ, so SQL can only ask whether there is one.
    """

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else encrypt(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> bytes | None:
        return None if value is None else decrypt(bytes(value))


class EncryptedText(TypeDecorator[str]):
    """A text that is stored encrypted, like ``EncryptedBytes``."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else encrypt(value.encode())

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else decrypt(bytes(value)).decode()


class PersonalText(EncryptedText):
    """Text of or about people, or how to reach them: statements, reasons, comments, messages, contacts.

    Every table keeps such a text in a column of this type; the history of rows keeps its values encrypted as well
    (``RowChange.sealed``), so that versions can still be compared.
    """

    cache_ok = True


class PersonalJson(TypeDecorator[Any]):
    """JSON with personal texts in it, stored encrypted as one value: SQL cannot look inside."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        return None if value is None else encrypt(orjson.dumps(value))

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else orjson.loads(decrypt(bytes(value)))


ENCRYPTED_TYPES = (EncryptedBytes, EncryptedText, PersonalJson)


def encrypted_literal(value: Any) -> str | None:
    """A value of a ``PersonalJson`` column as PostgreSQL reads bytes in JSON, for statements that take rows so."""
    return None if value is None else "\\x" + encrypt(orjson.dumps(value)).hex()


def encrypted_text(column: str) -> MappedColumn[Any]:
    """A text column that is read, and decrypted, only when a row is asked for it;
    all such columns of a row come together.
    """
    return mapped_column(column, EncryptedText, deferred=True, deferred_group=ENCRYPTED)


def encrypt(plain: bytes) -> bytes:
    """Encrypt; the result is ``key id, NUL, nonce (12 bytes), ciphertext with tag``."""
    keys = settings()
    nonce = os.urandom(12)
    name = keys.current_key.encode()
    return name + b"\0" + nonce + _cipher(keys.keys[keys.current_key]).encrypt(nonce, plain, name)


def decrypt(value: bytes) -> bytes:
    """Decrypt a value of ``encrypt``; raises KeyError for an unknown key and InvalidTag for a changed value."""
    name, rest = value.split(b"\0", 1)
    return _cipher(settings().keys[name.decode()]).decrypt(rest[:12], rest[12:], name)


@lru_cache(maxsize=64)
def _cipher(key: bytes) -> AESGCM:
    """The cipher of a key; to make it costs more than to open a short text."""
    return AESGCM(key)


def can_decrypt(value: bytes) -> bool:
    """Tell whether the keys at hand open a stored value."""
    try:
        decrypt(value)
    except (KeyError, InvalidTag):
        return False
    return True


def blind_index(plain: str) -> bytes:
    """32 bytes by which equal values are found without being read (HMAC-SHA-256 under its own key)."""
    return hmac.digest(settings().digest_key, plain.encode(), hashlib.sha256)


def write_encrypted(path: Path, data: bytes) -> None:
    """Write a file encrypted like a column, whole or not at all; it and its folder are for this account alone."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    open_to_owner(part)
    part.write_bytes(encrypt(data))
    part.replace(path)


def open_to_owner(path: Path) -> None:
    """Make an empty file, and its folder if need be, that no other account of the machine can read."""
    path.parent.mkdir(mode=0o700, exist_ok=True, parents=True)
    path.touch(mode=0o600)
    path.chmod(0o600)


def read_encrypted(path: Path) -> bytes:
    """Read a file of ``write_encrypted``."""
    return decrypt(path.read_bytes())
