"""Notifications to the service manager that started a program (sd_notify): ready, and still alive."""

from __future__ import annotations

import logging
import os
import time

from gunicorn.systemd import sd_notify

_log = logging.getLogger(__name__)
_said = [0.0]


def say_ready() -> None:
    """Say that the program serves now. Nothing is said where no service manager asks (``NOTIFY_SOCKET``)."""
    sd_notify("READY=1", _log)


def say_alive() -> None:
    """Say that the program lives, twice within the time after which it would be started again (``WatchdogSec=``)."""
    limit = int(os.environ.get("WATCHDOG_USEC", "0")) / 1_000_000
    if limit and time.monotonic() - _said[0] > limit / 2:
        _said[0] = time.monotonic()
        sd_notify("WATCHDOG=1", _log)
