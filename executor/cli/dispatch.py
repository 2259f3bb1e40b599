"""Parse, then hand over to one command; every error is one line.

Imports only what a prompt run needs; the other commands load their own libraries.
"""

import gc
import os
import sys
from collections.abc import Sequence

from executor import failpoints
from executor.cli.complaints import lose_complaints
from executor.cli.flags import COMPLETE_VARIABLE, Command, PromptRun, parse
from executor.errors import ExecutorError, ServerRefused, ServerUnreachable, UsageError
from executor.late_tls import import_asyncio_without_tls
from protocol.version import RELEASE

MAX_ERROR = 2000
"""Characters of the one line that an error is."""
GARBAGE_AFTER = 5_000
"""Objects that a run makes and keeps between two looks for those that only know each other."""


def run(given: Sequence[str]) -> int:
    """Run `codegen`; returns the exit code that docs/cli.md lists."""
    _open_closed_streams()
    lose_complaints()
    try:
        failpoints.arm(os.environ)
        code = _dispatch(given)
        sys.stdout.flush()
    except UsageError as error:
        return _failed(error, 2)
    except (ServerRefused, ServerUnreachable) as error:
        return _failed(error, 6)
    except ExecutorError as error:
        return _failed(error, 1)
    except BrokenPipeError:
        _drop_output()  # whoever read it is gone: `| head -1`
        return 1
    except OSError as error:
        _drop_output()
        return _failed(ExecutorError(str(error)), 1)
    return code


def _dispatch(arguments: Sequence[str]) -> int:
    if COMPLETE_VARIABLE in os.environ:
        return _run_app(())
    parsed = parse(arguments)
    match parsed:
        case Command(name="version"):
            sys.stdout.write(f"codegen {RELEASE}\n")
            return 0
        case Command(name="help"):
            from executor.cli.help import help_text

            sys.stdout.write(help_text())
            return 0
        case Command(arguments=rest):
            return _run_app(rest)
        case _:
            return _run_prompt(parsed)


def _run_app(arguments: Sequence[str]) -> int:
    from executor.cli.app import run_app

    gc.enable()
    return run_app(arguments)


def _run_prompt(parsed: PromptRun) -> int:
    from executor.process.nursery import Nursery

    with Nursery() as nursery:
        # It takes as long to be ready as the imports below, and another processor.
        nursery.start_early()
        import_asyncio_without_tls()
        from executor.cli.run import run_prompt

        gc.freeze()
        gc.set_threshold(GARBAGE_AFTER, 10, 10)
        gc.enable()
        try:
            return run_prompt(parsed, nursery)
        finally:
            gc.freeze()  # the end of the process is soon enough for all that is left


def _open_closed_streams() -> None:
    """`codegen <&-`: what was closed is empty, instead of missing."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def _drop_output() -> None:
    """What can't be written is not tried again when the interpreter ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _failed(error: ExecutorError, code: int) -> int:
    """One line on standard error; what a server or a file said can't drive the terminal."""
    from executor.view.safe_text import safe_line

    sys.stderr.write(f"codegen: {safe_line(str(error), MAX_ERROR)}\n")
    return code
