"""The client's address behind a reverse proxy: X-Forwarded-* is believed from the proxies of the settings alone."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Any

import structlog
from werkzeug.middleware.proxy_fix import ProxyFix

from service.config import Network

log = structlog.get_logger("anpei.proxy")

FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST")


class TrustedProxies:
    """Take address, scheme and host from one proxy that is in ``networks``; warn once of headers from anybody else.

    Without it every client behind a proxy has the proxy's address: one lock-out and one quota for the whole country.
    """

    def __init__(self, application: Any, networks: Sequence[Network]) -> None:
        self._application, self._networks = application, networks
        self._fixed = ProxyFix(application, x_for=1, x_proto=1, x_host=1)
        self._warned = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Serve a request, WSGI."""
        if self._is_trusted(environ.get("REMOTE_ADDR", "")):
            return self._fixed(environ, start_response)
        if any(name in environ for name in FORWARDED) and not self._warned.is_set():
            self._warned.set()
            log.warning(
                "forwarded headers of an untrusted peer", peer=environ.get("REMOTE_ADDR"), set="ANPEI_TRUSTED_PROXIES"
            )
        return self._application(environ, start_response)

    def _is_trusted(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._networks)
