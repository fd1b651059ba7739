"""Personal data at rest: AES-256-GCM with the key's id in each value, and a keyed digest for whole-number search."""

from __future__ import annotations

import hashlib
import hmac
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.config import settings


def encrypt(plain: str | bytes) -> bytes:
    """Encrypt; the result is ``key id, NUL, nonce (12 bytes), ciphertext with tag``."""
    keys = settings()
    data = plain.encode() if isinstance(plain, str) else plain
    nonce = os.urandom(12)
    name = keys.current_key.encode()
    return name + b"\0" + nonce + AESGCM(keys.keys[keys.current_key]).encrypt(nonce, data, name)


def decrypt(value: bytes) -> bytes:
    """Decrypt a value of ``encrypt``; raises KeyError for an unknown key and InvalidTag for a changed value."""
    name, rest = value.split(b"\0", 1)
    return AESGCM(settings().keys[name.decode()]).decrypt(rest[:12], rest[12:], name)


def decrypt_text(value: bytes | None) -> str:
    """Decrypt to text; an absent value is ''."""
    return decrypt(value).decode() if value else ""


def blind_index(plain: str) -> bytes:
    """32 bytes by which equal values are found without being read (HMAC-SHA-256 under its own key)."""
    return hmac.digest(settings().digest_key, plain.encode(), hashlib.sha256)
