# SPDX-License-Identifier: Apache-2.0
"""Logs: one JSON object a line on standard error, never the content of a tip."""

from __future__ import annotations

import logging
import sys

import structlog

from nightlight.config import environment


def set_up() -> None:
    """Send structlog and the standard library's loggers to standard error."""
    level = getattr(logging, environment.read().log_level)
    logging.basicConfig(
        level=max(level, logging.WARNING), stream=sys.stderr, format="%(levelname)s %(name)s %(message)s"
    )
    # The wire and the pages log what they refuse, with a request id; Django's own line adds nothing.
    logging.getLogger("django.request").setLevel(logging.ERROR)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Without local variables: they could hold a password or the words of a report.
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
