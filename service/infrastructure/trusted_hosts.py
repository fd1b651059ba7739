"""The hosts that a request may name: a link must never be built from a header that anybody can send."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from werkzeug.sansio.utils import host_is_trusted
from werkzeug.wrappers import Response

LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")  # the machine itself: probes, and the proxy that passes on no Host
REFUSED = "没有这个网址，请核对浏览器地址栏中的域名。\nUnknown host: check the address in your browser.\n"


class TrustedHosts:
    """Refuse (400) requests that name another host than ``address`` (ANPEI_ADDRESS) or this machine."""

    def __init__(self, application: Any, address: str) -> None:
        host = urlsplit(address).hostname
        self._application = application
        self._hosts = [*LOCAL_HOSTS, *([host] if host else [])]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Serve a request, WSGI."""
        if host_is_trusted(environ.get("HTTP_HOST", ""), self._hosts):
            return self._application(environ, start_response)
        return Response(REFUSED, 400, mimetype="text/plain")(environ, start_response)
