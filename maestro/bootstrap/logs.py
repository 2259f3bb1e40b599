"""One line a log event, as text or JSON, on standard error.

Configures structlog and the standard library's logging for the whole process; says nothing itself.
"""

import logging
import sys
from collections.abc import Sequence

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import Processor

from maestro.bootstrap.log_lines import log_by_lines
from maestro.settings import LogFormat


def configure_logs(level: str, form: LogFormat) -> None:
    """Call once, before anything logs. Foreign loggers (uvicorn, asyncio) join as warnings.

    Exceptions are shown without local variables: those hold prompts, results and keys.
    """
    log_by_lines()
    number = logging.getLevelNamesMapping()[level.upper()]
    stamp: Sequence[Processor] = (
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    )
    rendering = _rendering(form)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *stamp, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    foreign = logging.StreamHandler(sys.stderr)
    foreign.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *stamp],
            processors=[ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[foreign], force=True)


def _rendering(form: LogFormat) -> Sequence[Processor]:
    if form == "json":
        return (structlog.processors.format_exc_info, structlog.processors.JSONRenderer())
    return (
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        ),
    )
