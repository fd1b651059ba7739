"""Mails handed to the server of the settings. What they say and whether they are sent is decided elsewhere."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
import time
from contextlib import suppress
from email.message import EmailMessage
from typing import cast

from service.config import MailServer

ANSWER_SECONDS = 15  # for each piece of an answer of the server
TOTAL_SECONDS = 30  # for one mail, from the first byte to the last: less than the lease of a job


class NotDelivered(Exception):
    """The server did not take the mail now; later it may."""


class Away(NotDelivered):
    """The server cannot be reached, or does not encrypt as was asked for: the next mail would fail too."""


class Refused(Exception):
    """The server will never take this mail: the address does not exist, or the sender may not."""


def send(server: MailServer, mail: EmailMessage) -> None:
    """Hand one mail over.

    Raises NotDelivered (Away) or Refused, with what the server said and never the mail's text.
    """
    began = time.monotonic()
    try:
        with _connect(server) as connection:
            connection.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()))
        raise _failure(code, said) from error
    except smtplib.SMTPResponseException as error:
        if time.monotonic() - began > TOTAL_SECONDS:  # the answer is the piece of it that came before the end
            raise _away(server, f"> {TOTAL_SECONDS} s") from error
        raise _failure(error.smtp_code, error.smtp_error) from error
    except (OSError, smtplib.SMTPException) as error:
        raise _away(server, str(error) or type(error).__name__) from error


def _away(server: MailServer, why: str) -> Away:
    return Away(f"{server.host}:{server.port}: {why}")


class _Limited(smtplib.SMTP):
    """A connection that is cut when it has lasted too long, however busily the server goes on answering."""

    _limit: threading.Timer | None = None
    _wire: socket.socket

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        made = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        self._wire = made.dup()  # encryption puts another socket in the place of this one
        self._limit = threading.Timer(TOTAL_SECONDS, _cut, [self._wire])
        self._limit.daemon = True
        self._limit.start()
        return cast(socket.socket, made)

    def close(self) -> None:
        super().close()
        if self._limit:
            self._limit.cancel()
            self._wire.close()


class _LimitedTls(smtplib.SMTP_SSL, _Limited):
    """The same, encrypted from its first byte."""


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _connect(server: MailServer) -> smtplib.SMTP:
    if server.security == "tls":
        made: smtplib.SMTP = _LimitedTls(
            server.host, server.port, timeout=ANSWER_SECONDS, context=ssl.create_default_context()
        )
    else:
        made = _Limited(server.host, server.port, timeout=ANSWER_SECONDS)
    try:
        if server.security == "starttls":
            made.starttls(context=ssl.create_default_context())
        if server.user:
            made.login(server.user, server.password)
    except BaseException:
        made.close()
        raise
    return made


def _failure(code: int, said: bytes | str) -> Exception:
    """The exception for an answer of the server: 5xx is final; a refused login is not,
    for the settings can be corrected.
    """
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    for_good = 500 <= code < 600 and code not in (530, 534, 535, 538)
    return (Refused if for_good else NotDelivered)(f"{code} {' '.join(text.split())[:300]}")
