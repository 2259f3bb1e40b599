"""Run a scripted model as a process: `python -m tests.scripted_model --script FILE --port 0`.

Prints its address (`http://127.0.0.1:PORT/v1`) as its only line and serves until
SIGTERM or SIGINT.
"""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

import msgspec

from tests.scripted_model.script import Script, ShellSteps
from tests.scripted_model.server import ScriptedModel


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.scripted_model")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--script", type=Path, help="a JSON file, as tests/scripted_model/script.py"
    )
    source.add_argument("--shell-steps", type=int, help="so many shell calls, then a last message")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--api-key", default=None, help="answer 401 to any other key")
    given = parser.parse_args()
    if given.script is not None:
        script = _load(given.script)
    else:
        script = Script(shell_steps=ShellSteps(given.shell_steps))
    asyncio.run(_serve(ScriptedModel(script, port=given.port, api_key=given.api_key)))


def _load(path: Path) -> Script:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Script)
    except (OSError, msgspec.DecodeError) as error:
        sys.exit(f"{path}: {error}")


async def _serve(model: ScriptedModel) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with model:
        sys.stdout.write(model.base_url + "\n")
        sys.stdout.flush()
        await stopped.wait()


if __name__ == "__main__":
    main()
