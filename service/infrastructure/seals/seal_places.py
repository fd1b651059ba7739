"""Places that keep heads of the log outside the database: a file that only grows, a second place, a time stamp."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import socket
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from service.config import settings
from service.infrastructure.seals.seal_keys import signed_bytes

SECONDS = 10  # for the second place and the authority to answer
FACILITY = 13 * 8 + 5  # syslog: log audit, notice

Head = Mapping[str, Any]


def file() -> Path:
    """The file of heads, one JSON a line."""
    return settings().data_dir / "seals.jsonl"


def kept_heads() -> list[dict[str, Any]]:
    """The heads in the file, oldest first; a line that was torn by a power failure is passed over."""
    found = []
    for line in file().read_text().splitlines() if file().exists() else ():
        try:
            head = json.loads(line)
        except ValueError:
            continue
        if "body" in head:
            found.append(head)
    return found


def keep(heads: Iterable[Head]) -> None:
    """Append the heads that the file does not hold yet, then send and stamp them; an error leaves the file as it is.

    Raises OSError when the second place or the authority does not answer: what is in the file is not sent again.
    """
    with file().open("a+") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        known = {head["body"]["size"] for head in kept_heads()}
        fresh = [head for head in heads if head["body"]["size"] not in known]
        if file().read_bytes()[-1:] not in (b"", b"\n"):
            stream.write("\n")  # the power failed within a line
        for head in fresh:
            stream.write(f"{json.dumps(head, sort_keys=True)}\n")
        stream.flush()
        os.fsync(stream.fileno())
    chosen = settings().sealing
    if fresh and chosen.place:
        for head in fresh:
            _send(chosen.place, head)
    if fresh and chosen.timestamps:
        token = time_stamp(chosen.timestamps, fresh[-1])
        with file().open("a") as stream:
            stamped = {"stamped": fresh[-1]["body"]["size"], "token": base64.b64encode(token).decode()}
            stream.write(f"{json.dumps(stamped)}\n")


def _send(place: str, head: Head) -> None:
    data, parts = json.dumps(head, sort_keys=True).encode(), urlsplit(place)
    if parts.scheme == "syslog":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            line = f"<{FACILITY}>1 {head['body']['at']} - anpei - seal - ".encode() + data
            sender.sendto(line, (parts.hostname or "127.0.0.1", parts.port or 514))
        return
    request = urllib.request.Request(place, data, {"Content-Type": "application/json"})  # noqa: S310 - checked in config
    with urllib.request.urlopen(request, timeout=SECONDS):  # noqa: S310
        pass


def time_stamp(address: str, head: Head) -> bytes:
    """The token of a time-stamping authority over a head (RFC 3161). Raises OSError when it gives none."""
    import hashlib

    from asn1crypto import algos, tsp

    imprint = {
        "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
        "hashed_message": hashlib.sha256(signed_bytes(head["body"])).digest(),
    }
    nonce = secrets.randbits(63)
    asked = tsp.TimeStampReq({"version": "v1", "message_imprint": imprint, "nonce": nonce, "cert_req": True}).dump()
    request = urllib.request.Request(address, asked, {"Content-Type": "application/timestamp-query"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
        said = tsp.TimeStampResp.load(answer.read())
    if said["status"]["status"].native not in ("granted", "granted_with_mods"):
        raise OSError(f"{address}: {said['status'].native}")
    token = said["time_stamp_token"]
    info = token["content"]["encap_content_info"]["content"].parsed
    if info["message_imprint"]["hashed_message"].native != imprint["hashed_message"] or info["nonce"].native != nonce:
        raise OSError(f"{address}: the stamp is of something else")
    stamped: bytes = token.dump()
    return stamped
