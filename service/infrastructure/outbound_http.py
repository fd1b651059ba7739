"""Calls of services outside, as diagrams ask for them: to allowed hosts only, signed, bounded in time and size.

No redirect is followed, and the address is looked up once: what was checked is what is called.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

from service.config import OutboundHosts, settings

SECONDS = 10.0  # for connecting and for each answer of the socket; less than the lease of a job
MAX_SENT, MAX_ANSWER = 65_536, 65_536  # bytes
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class CallRefused(Exception):
    """The call may not be made: host, address, secret or size."""


class CallFailed(Exception):
    """The service did not answer as it should; it may later."""


def allowed_hosts() -> OutboundHosts:
    """The services that the settings let diagrams call."""
    return settings().outbound


def call(url: str, method: str, content: Any, secret: str | None, key: str) -> bytes:
    """Call a service with JSON; returns its answer.

    secret: name of one of the settings, which signs the call; key: the same for each try of one call.
    Raises CallRefused or CallFailed, neither with a secret in its text.
    """
    allowed = allowed_hosts()
    host, port = check_address(allowed, url)
    parts = urlsplit(url)
    if method not in METHODS:
        raise CallRefused(f"{method} is no method of {', '.join(METHODS)}")
    body = b"" if method == "GET" else json.dumps(content, ensure_ascii=False).encode()
    if len(body) > MAX_SENT:
        raise CallRefused(f"more than {MAX_SENT} bytes to send")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Content-Type": "application/json", "Accept": "application/json", "Idempotency-Key": key}
    headers["Host"] = _authority(parts.scheme, host, port)
    if secret is not None:
        headers |= signature(allowed, secret, [method, headers["Host"] + target, key], body, int(time.time()))
    address = _address(allowed, host, port)
    try:
        return _exchange(parts.scheme, host, port, address, method, target, body, headers)
    except (OSError, http.client.HTTPException) as error:
        raise CallFailed(f"{host}:{port}: {error or type(error).__name__}") from error


def check_address(allowed: OutboundHosts, url: str) -> tuple[str, int]:
    """Host and port of an address that the settings allow. Raises CallRefused."""
    wrong = CallRefused("an address is https://host/path in plain letters, without user and password")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise wrong from error
    is_plain = url.isascii() and url.isprintable() and " " not in url
    if parts.username or parts.password or parts.scheme not in ("https", "http") or not host or not is_plain:
        raise wrong
    origin = f"{parts.scheme}://{host}:{port}"
    if origin not in allowed.origins:
        raise CallRefused(f"{origin} is not among ANPEI_HTTP_HOSTS")
    return host, port


def _authority(scheme: str, host: str, port: int) -> str:
    """The header ``Host``: the port only where it is not that of the scheme."""
    name = f"[{host}]" if ":" in host else host
    return name if port == {"https": 443, "http": 80}[scheme] else f"{name}:{port}"


def signature(allowed: OutboundHosts, secret: str, parts: Sequence[str], body: bytes, at: int) -> dict[str, str]:
    """The header that signs a call: HMAC-SHA256 over the lines seconds, method, host with path and query, key, then the
    body. Raises CallRefused for an unknown secret.
    """
    value = allowed.secrets.get(secret)
    if value is None:
        raise CallRefused(f"there is no secret {secret} in ANPEI_HTTP_SECRETS")
    signed = "".join(f"{line}\n" for line in (at, *parts)).encode() + body
    return {"Anpei-Signature": f"t={at},v2={hmac.new(value, signed, hashlib.sha256).hexdigest()}"}


def _address(allowed: OutboundHosts, host: str, port: int) -> str:
    """Look the host up; each address must be public, or lie in a network of the settings. Raises CallRefused."""
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except OSError as error:
        raise CallFailed(f"{host}: {error}") from error
    for one in found:
        ip = ip_address(one.partition("%")[0])
        ip = getattr(ip, "ipv4_mapped", None) or ip
        if not _is_public(ip) and not any(ip in network for network in allowed.networks):
            raise CallRefused(f"{host} is at {ip}, which is not public and not among ANPEI_HTTP_NETWORKS")
    return found[0]


def _is_public(ip: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address is one of the internet, and leads to no other by a tunnel or a translator."""
    tunnelled = isinstance(ip, IPv6Address) and (ip.sixtofour or ip.teredo)
    return ip.is_global and not (tunnelled or ip.is_multicast or ip.is_reserved)


def _exchange(
    scheme: str, host: str, port: int, address: str, method: str, path: str, body: bytes, headers: dict[str, str]
) -> bytes:
    connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
    sock = socket.create_connection((address, port), timeout=SECONDS)
    if scheme == "https":
        context = ssl.create_default_context()
        sock = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
    with closing(sock), _time_limit(sock, 2 * SECONDS) as is_over:
        if isinstance(sock, ssl.SSLSocket):
            sock.do_handshake()
        connection.sock = sock
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        if not 200 <= answer.status < 300:
            raise CallFailed(f"{host}:{port}: status {answer.status}")
        read = b""
        while len(read) <= MAX_ANSWER and (part := answer.read1(8192)):
            read += part
        if is_over.is_set():
            raise CallFailed(f"{host}:{port}: the answer takes too long")
        if len(read) > MAX_ANSWER:
            raise CallFailed(f"{host}:{port}: the answer has more than {MAX_ANSWER} bytes")
        return read


@contextmanager
def _time_limit(sock: socket.socket, seconds: float) -> Iterator[threading.Event]:
    """Shut a socket down after a time, however slowly its bytes come; the event says that it was."""
    is_over = threading.Event()

    def end() -> None:
        is_over.set()
        with suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # of a TLS socket, too: the bytes, not the session

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield is_over
    finally:
        timer.cancel()
