"""Logs: one JSON line an event, traces without the values of variables, which may be personal."""

from __future__ import annotations

import logging
import sys

import orjson
import structlog


def configure() -> None:
    """Write JSON lines to standard error; the level is ``info``."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(lambda event, **_: orjson.dumps(event, default=repr).decode()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # the one in force now: tests change it
        cache_logger_on_first_use=False,
    )
