"""Fetch one page and write what a model reads of it; run as a program, so that it can be killed.

A name may take for ever to resolve, a server to answer, a page to convert. Its one argument is a
Request as JSON; it writes one Report as JSON.
"""

import os
import resource
import signal
import ssl
import sys
from types import FrameType

import msgspec
import truststore

from executor.network.dialling import Dialler
from executor.web.fetching import FetchFailed, fetch
from executor.web.reading import read
from executor.web.reports import Elsewhere, Problem, Report, Request

MEMORY_MAX = 1024 * 1024 * 1024
CPU_SECONDS = 15


class _TooLong(Exception):
    """The time for fetching is over."""


def main() -> None:
    """Answer the request in the program's first argument."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    request = msgspec.json.decode(sys.argv[1], type=Request)
    answer = _report(request)
    rest = memoryview(msgspec.json.encode(answer))
    while rest:
        rest = rest[os.write(1, rest) :]


def _report(request: Request) -> Report:
    dialler = Dialler(frozenset(request.opened))
    trust = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, request.seconds)
    try:
        answer = fetch(request.url, dialler, trust)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except _TooLong:
        return Problem("timeout", f"{request.url}: not fetched within {request.seconds:g} s.")
    except FetchFailed as error:
        return Problem(error.code, error.message)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return answer if isinstance(answer, Elsewhere) else read(answer)


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise _TooLong


if __name__ == "__main__":
    main()
