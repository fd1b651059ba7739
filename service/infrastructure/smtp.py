"""Mails handed to the server of the settings. What they say and whether they are sent is decided elsewhere."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage

from service.config import MailServer

ANSWER_SECONDS = 15  # for each answer of the server: less than the lease of a job


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
    try:
        with _connect(server) as connection:
            connection.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()))
        raise _failure(code, said) from error
    except smtplib.SMTPResponseException as error:
        raise _failure(error.smtp_code, error.smtp_error) from error
    except (OSError, smtplib.SMTPException) as error:
        raise Away(f"{server.host}:{server.port}: {error or type(error).__name__}") from error


def _connect(server: MailServer) -> smtplib.SMTP:
    if server.security == "tls":
        made: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, timeout=ANSWER_SECONDS, context=ssl.create_default_context()
        )
    else:
        made = smtplib.SMTP(server.host, server.port, timeout=ANSWER_SECONDS)
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
