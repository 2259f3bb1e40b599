"""One line a log event, as text or JSON, on standard error.

Configures structlog and the standard library's logging for the whole process; says nothing itself.
"""

import json
import logging
import re
import sys
from collections.abc import Collection, MutableMapping, Sequence
from urllib.parse import urlsplit

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import Processor

from maestro.bootstrap.log_lines import log_by_lines
from maestro.llm.providers import providers
from maestro.settings import LogFormat, Settings

_SECRETS = (
    r"\bcg_[A-Za-z0-9_-]{16,}",
    r"(?i:\bbearer )[^\s\"',]+",
    r"\b(?:sk|pk|gsk|xai|hf)[-_][A-Za-z0-9_-]{12,}",
    r"\bAIza[A-Za-z0-9_-]{20,}",
    r"(?<=://)[^\s/:@]*:[^\s/@]+(?=@)",
)
"""What tokens, keys and passwords in addresses look like, whoever's they are."""
_SHORTEST_SECRET = 6
"""Characters: a shorter one would hide words of every line."""


def secrets_of(settings: Settings) -> frozenset[str]:
    """The values that this process was told and that no line of a log may hold."""
    environment = settings.model.environment
    keys = {environment.get(name) for row in providers().values() for name in row.keys}
    urls = (settings.backends.database_url, settings.backends.redis_url)
    passwords = {_password(url) for url in urls if url}
    return frozenset(secret for secret in keys | passwords if secret)


def _password(url: str) -> str | None:
    try:
        return urlsplit(url).password
    except ValueError:  # no address: who connects says so
        return None


def configure_logs(level: str, form: LogFormat, secrets: Collection[str] = ()) -> None:
    """Call once, before anything logs. Foreign loggers (uvicorn, asyncio) join as warnings.

    Exceptions are shown without local variables: those hold prompts, results and keys. What looks
    like a secret, or is one of `secrets`, is left out of every line.
    """
    log_by_lines()
    number = logging.getLevelNamesMapping()[level.upper()]
    stamp: Sequence[Processor] = (
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    )
    rendering = (*_rendering(form), _scrub(secrets))
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
    # It warns of whatever comes that is no HTTP: anybody could fill a disk.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)


def _scrub(secrets: Collection[str]) -> Processor:
    """The last processor: works on the whole line, wherever in it a secret came from."""
    told = {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}
    shown = told | {repr(secret)[1:-1] for secret in told}
    escaped = shown | {json.dumps(secret)[1:-1] for secret in shown}
    exact = [re.escape(secret) for secret in sorted(escaped, key=len, reverse=True)]
    pattern = re.compile("|".join((*exact, *_SECRETS)))

    def scrub(_logger: object, _method: str, line: MutableMapping[str, object] | str) -> str:
        return pattern.sub("[secret]", str(line))

    return scrub


def _rendering(form: LogFormat) -> Sequence[Processor]:
    if form == "json":
        return (structlog.processors.format_exc_info, structlog.processors.JSONRenderer())
    return (
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        ),
    )
