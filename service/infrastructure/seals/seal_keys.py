"""The private keys that sign heads of the log (Ed25519), in a file outside the database, and what they sign.

Each line is ``id:base64 of 32 bytes``; the id follows from the public key. The last two keys sign every head: whoever
knows the older of them trusts the newer one's signatures before it stands alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from service.config import InvalidSetting, make_secret, settings

SIGNING = 2  # keys, the newest ones


def signed_bytes(body: Mapping[str, Any]) -> bytes:
    """The bytes of a head that are signed: canonical JSON."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sign(body: Mapping[str, Any]) -> dict[str, Any]:
    """The head with its signatures, by key id."""
    signatures = {name: key.sign(signed_bytes(body)).hex() for name, key in list(_keys().items())[-SIGNING:]}
    return {"body": dict(body), "signatures": signatures}


def is_signed(head: Mapping[str, Any]) -> bool:
    """Tell whether one of our keys signed a head."""
    known = public_keys()
    for name, signature in head["signatures"].items():
        if name in known:
            try:
                key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(known[name]))
                key.verify(bytes.fromhex(signature), signed_bytes(head["body"]))
            except (InvalidSignature, ValueError):
                continue
            return True
    return False


def public_keys() -> dict[str, str]:
    """The public keys in hexadecimal digits by id, oldest first: those of former years too."""
    return {name: key.public_key().public_bytes_raw().hex() for name, key in _keys().items()}


def rotate() -> str:
    """Add a key, which signs from now on beside the one before; its id."""
    file, line = _file(), _new_key()
    with file.open("a") as stream:
        stream.write(f"{line}\n")
    return line.partition(":")[0]


def _file() -> Path:
    chosen = settings().sealing.keys
    if chosen is not None and not chosen.is_file():
        raise InvalidSetting(f"ANPEI_SEAL_KEYS: there is no file {chosen}")
    return chosen or make_secret(settings().data_dir / "seal-keys", _new_key)


def _new_key() -> str:
    key = Ed25519PrivateKey.generate()
    return f"{_id(key)}:{base64.b64encode(key.private_bytes_raw()).decode()}"


def _id(key: Ed25519PrivateKey) -> str:
    return hashlib.sha256(key.public_key().public_bytes_raw()).hexdigest()[:16]


def _keys() -> dict[str, Ed25519PrivateKey]:
    file, found = _file(), {}
    for line in file.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            try:
                key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(line.partition(":")[2], validate=True))
            except ValueError as error:
                raise InvalidSetting(f"{file}: a line is not id:base64 of 32 bytes") from error
            found[_id(key)] = key
    if not found:
        raise InvalidSetting(f"{file}: holds no key")
    return found
