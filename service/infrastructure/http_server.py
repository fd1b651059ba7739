"""The HTTP server of one process: a loop holds all connections, a thread is used only for a request that is all there.

waitress reads headers and bodies and writes answers in its loop. Here stands what it has not: the time a client may
take, the bytes a route may be sent, threads apart for what is slow, and who goes when there are too many. Knows nothing
of Anpei.
"""

from __future__ import annotations

import contextlib
import io
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher, WSGITask
from waitress.utilities import BadRequest, Error, RequestEntityTooLarge

MAX_HEADER_BYTES = 32 << 10
MAX_BODY_BYTES = 72 << 20  # of any route; what a route takes less is read and thrown away
MAX_CONTROL_BYTES = 1 << 10  # the line before a chunk of a body
MAX_WAITING = 200  # requests that wait for a thread of one pool
BUFFERED_BYTES = 256 << 10  # of a body or an answer in memory; what is more lies in a file without a name
UNREAD_BYTES = 1 << 20
HOLD_ANSWER = "anpei.hold_answer"  # in the WSGI environment: sends this answer only after so many seconds
TICK_SECONDS, HOLDING_SECONDS = 0.5, 0.1


class Patience(NamedTuple):
    """Seconds that a client may take for a phase, one more for so many bytes that it moves, and the longest of all."""

    seconds: float
    bytes_per_second: int = 0
    longest: float = float("inf")


PATIENCE = {
    "first": Patience(10),  # nothing asked yet
    "idle": Patience(30),  # between two requests
    "header": Patience(10),
    "body": Patience(15, 4096, 600),
    "answer": Patience(15, 4096, 1800),
}


class Route(NamedTuple):
    """The pool of threads that serves a request, and the bytes that it may be sent."""

    pool: str
    most_bytes: int


Router = Callable[[str, str, Mapping[str, str], int], Route]
"""From method, path, headers (``CONTENT_TYPE``) and bytes of the body (-1: comes in chunks) to the route."""


class Limits(Adjustments):
    """The settings of waitress, with the router and the threads of each pool."""

    def __init__(self, router: Router, threads: Mapping[str, int], **more: Any) -> None:
        super().__init__(
            ident="",
            server_name="localhost",
            max_request_header_size=MAX_HEADER_BYTES,
            max_request_body_size=MAX_BODY_BYTES,
            inbuf_overflow=BUFFERED_BYTES,
            outbuf_overflow=BUFFERED_BYTES,
            outbuf_high_watermark=256 << 20,  # a thread never waits for a reader: the answer lies in a file meanwhile
            recv_bytes=32 << 10,
            clear_untrusted_proxy_headers=False,  # who may say them is for ``trusted_proxies``
            log_socket_errors=False,
            **more,
        )
        self.router, self.threads = router, threads


class Overloaded(Error):
    """The answer when too many wait already."""

    code, reason = 503, "Service Unavailable"

    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        """Say when to come again."""
        status, headers, body = super().to_response(ident)
        return status, [*headers, ("Retry-After", "5")], body


class RequestParser(HTTPRequestParser):
    """Reads a request; what its route does not take is thrown away as it comes, and the application refuses it."""

    route: Route
    _is_judged = False

    def received(self, data: bytes) -> int:
        """Take bytes in; returns how many of them belonged to this request."""
        consumed: int = super().received(data)
        if self.headers_finished and not self.completed:
            self._judge()
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Read the header and find the route. Raises ParsingError, for numbers and addresses without sense too."""
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            raise ParsingError("Malformed request") from error
        length = -1 if self.chunked else self.content_length
        self.route = self.adj.router(self.command, self.path, self.headers, length)

    def _judge(self) -> None:
        if not self._is_judged and self.content_length > self.route.most_bytes:
            self.body_rcv.buf = _Nowhere()
        self._is_judged = True
        if self.chunked:
            line = self.body_rcv.trailer or self.body_rcv.control_line
            if len(line) > MAX_CONTROL_BYTES:
                self.error = BadRequest("A chunk without measure")
            elif self.body_bytes_received > self.route.most_bytes:
                self.error = RequestEntityTooLarge(f"exceeds {self.route.most_bytes} bytes")
            self.completed = self.error is not None


class _Nowhere:
    """Takes a body that nobody will read."""

    def append(self, data: bytes) -> None:
        """Forget it."""

    def __len__(self) -> int:
        return 0

    def getfile(self) -> io.BytesIO:
        return io.BytesIO()

    def close(self) -> None:
        """Nothing is open."""


class RequestTask(WSGITask):
    """Serves a request by the application, which may ask for its answer to be held back."""

    def get_environment(self) -> dict[str, Any]:
        """Return the WSGI environment."""
        environ: dict[str, Any] = super().get_environment()
        environ[HOLD_ANSWER] = self.channel.hold
        return environ

    def set_close_on_finish(self) -> None:
        """Close the connection after this answer; not after one that has no body by its status (204, 304), which ends
        with its headers: waitress would close there, and each completion over REST need a connection of its own.
        """
        asks_to = self.version == "1.0" or self.request.headers.get("CONNECTION", "").lower() == "close"
        if asks_to or self.has_body or self.wrote_header:
            super().set_close_on_finish()


class Connection(HTTPChannel):
    """One client. In which phase it is, and since when, is looked at once a second."""

    parser_class, task_class = RequestParser, RequestTask
    requests: list[RequestParser]
    has_asked = False
    _held_until = 0.0
    _phase: tuple[str, int] = ("", 0)
    _since, _start = 0.0, 0

    def hold(self, seconds: float) -> None:
        """Send nothing for so long; no thread waits for it."""
        self._held_until = time.monotonic() + seconds
        self.server.note_hold(self._held_until)

    def release(self) -> None:
        """Hold nothing back any longer."""
        self._held_until = 0.0

    def writable(self) -> bool:
        """Tell whether the loop has something to send, or to close."""
        return bool(self.will_close or (super().writable() and not self._is_held()))

    def _flush_some(self, do_close: bool = True) -> bool:
        return not self._is_held() and super()._flush_some(do_close=do_close)

    def _is_held(self) -> bool:
        return self._held_until > 0 and time.monotonic() < self._held_until

    def handle_close(self) -> None:
        """Close; read first what has come already, or the other side would lose our answer."""
        with contextlib.suppress(OSError):
            while self.connected and self.socket.recv(UNREAD_BYTES):
                continue
        super().handle_close()

    def service(self) -> None:
        """Serve the first request, in a thread of its pool."""
        self.has_asked = True
        super().service()

    def waits_since(self, now: float) -> float | None:
        """The instant since when the client has been waited for; None while it waits for us."""
        phase, moved = self._now_in()
        if phase != self._phase:
            self._phase, self._since, self._start = phase, now, moved
        return None if phase[0] == "busy" else self._since

    def is_overdue(self, now: float) -> bool:
        """Tell whether the client takes longer than its phase allows."""
        since = self.waits_since(now)
        if since is None:
            return False
        allowed, earned = PATIENCE[self._phase[0]], 0.0
        if allowed.bytes_per_second:
            earned = (self._now_in()[1] - self._start) / allowed.bytes_per_second
        return now - since > min(allowed.seconds + earned, allowed.longest)

    def _now_in(self) -> tuple[tuple[str, int], int]:
        """The phase, with what tells it from the next of its kind, and the bytes moved in it."""
        request = self.request
        if self.requests:
            return ("busy", 0), 0
        if left := self.total_outbufs_len:
            return ("answer", 0), -left
        if request is None:
            return ("idle" if self.has_asked else "first", 0), 0
        if not request.headers_finished:
            return ("header" if self.has_asked else "first", id(request) if self.has_asked else 0), 0
        return ("body", id(request)), request.body_bytes_received


class ThreadPools:
    """Threads by pool: what is slow in one leaves the others alone."""

    def __init__(self, threads: Mapping[str, int]) -> None:
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._pools = {name: ThreadedTaskDispatcher() for name in threads}
        for name, count in threads.items():
            self._pools[name].set_thread_count(count)

    def add_task(self, connection: Connection) -> None:
        """Have the first request of a connection served; of too many that wait one is refused."""
        request = connection.requests[0]
        pool = self._pools[request.route.pool] if hasattr(request, "route") else next(iter(self._pools.values()))
        if len(pool.queue) >= MAX_WAITING and request.error is None:
            request.error = Overloaded("Too many requests wait.")
        pool.add_task(connection)


class HttpServer(TcpWSGIServer):
    """Listens on a socket that several processes share, and serves what comes in ``turn`` after ``turn``."""

    channel_class = Connection
    active_channels: dict[int, Connection]

    def __init__(self, application: Any, listener: socket.socket, limits: Limits) -> None:
        self._next_sweep, self._held_until = 0.0, 0.0
        super().__init__(
            application,
            {},
            _sock=listener,
            dispatcher=ThreadPools(limits.threads),
            adj=limits,
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
            bind_socket=False,
        )

    def turn(self) -> None:
        """Wait for something to do, for half a second at most, and do it."""
        now = time.monotonic()
        wasyncore.poll2(HOLDING_SECONDS if now < self._held_until else TICK_SECONDS, self._map)
        if now >= self._next_sweep:
            self._next_sweep = now + 1
            self.sweep(now)

    def sweep(self, now: float) -> None:
        """Close the connections of clients that take too long."""
        for one in list(self.active_channels.values()):
            if one.is_overdue(now):
                one.handle_close()  # at once: one that does not read is never writable

    def note_hold(self, until: float) -> None:
        """Look often enough to send what is held back until then; called by threads."""
        self._held_until = max(self._held_until, until + 2 * HOLDING_SECONDS)

    def readable(self) -> bool:
        """Tell whether somebody new may come; always, for somebody else goes."""
        return bool(self.accepting)

    def handle_accept(self) -> None:
        """Take a connection in. Of too many, the address with most of them loses the one that has waited longest."""
        if len(self.active_channels) >= self.adj.connection_limit:
            self._make_room()
        super().handle_accept()

    def _make_room(self) -> None:
        now = time.monotonic()
        waiting = [(since, one) for one in self.active_channels.values() if (since := one.waits_since(now)) is not None]
        if waiting:
            of_address = Counter(one.addr[0] for _, one in waiting)
            waiting.sort(key=lambda pair: (-of_address[pair[1].addr[0]], pair[0]))
            waiting[0][1].handle_close()

    def stop(self, seconds: float, alive: Callable[[], None]) -> None:
        """Take nothing new and finish what is asked, for so long at most. alive: called now and then."""
        self.accepting = False
        self.del_channel()
        self.socket.close()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._is_busy():
            alive()
            wasyncore.poll2(HOLDING_SECONDS, self._map)
        wasyncore.close_all(self._map, ignore_all=True)

    def _is_busy(self) -> bool:
        """Tell whether anything is asked or half sent; close what is not."""
        for one in list(self.active_channels.values()):
            one.release()
            if not one.requests and not one.total_outbufs_len:
                one.handle_close()
        return bool(self.active_channels)
