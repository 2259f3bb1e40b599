"""One line a log event, as text or JSON, on standard error.

Configures structlog for the whole process; says nothing itself.
"""

import logging
import sys

import structlog

from maestro.settings import LogFormat


def configure_logs(level: str, form: LogFormat) -> None:
    """Call once, before anything logs. Foreign loggers (uvicorn, asyncio) join as warnings."""
    renderer = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            *([structlog.processors.format_exc_info] if form == "json" else []),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(_number(level), logging.WARNING), stream=sys.stderr, force=True)


def _number(level: str) -> int:
    return logging.getLevelNamesMapping()[level.upper()]
