"""The `codegen` program: parse, then hand over to one command; every error is one line.

Imports only what a prompt run needs; the other commands load their own libraries.
"""

import os
import sys
from collections.abc import Sequence

from executor.cli.flags import COMPLETE_VARIABLE, Command, parse
from executor.errors import ExecutorError, ServerRefused, ServerUnreachable, UsageError
from protocol.version import RELEASE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `codegen`; returns the exit code that docs/cli.md lists."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        return _dispatch(given)
    except UsageError as error:
        return _failed(error, 2)
    except (ServerRefused, ServerUnreachable) as error:
        return _failed(error, 6)
    except ExecutorError as error:
        return _failed(error, 1)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1


def _dispatch(arguments: Sequence[str]) -> int:
    if COMPLETE_VARIABLE in os.environ:
        from executor.cli.app import run_app

        return run_app(())
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
            from executor.cli.app import run_app

            return run_app(rest)
        case _:
            from executor.cli.run import run_prompt

            return run_prompt(parsed)


def _failed(error: ExecutorError, code: int) -> int:
    sys.stderr.write(f"codegen: {error}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
