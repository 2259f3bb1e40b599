"""A model that answers each request at once with one more shell call, whoever asks.

Runs as a process of its own: `python -m benchmarks.shell_steps --steps 20` prints its address and
serves until SIGTERM. Finds the shell among the tools that the request offers; a request without
tools (a title, a summary) gets a short text. What was asked, and when, is at `/scripted/requests`.
"""

import argparse
import asyncio
import json
import signal
from typing import Any

from tests.scripted_model import Recorded, Reply, ScriptedModel, call, calls, error, text

SHELLS = (
    *("Shell", "shell", "Bash", "bash", "run_shell_command", "run_terminal_command"),
    *("execute_command", "run_command", "run_commands", "terminal"),
    *("exec_command", "shell_command"),
)
"""What agents call the tool that runs a command, the likelier first."""


class NoShellError(ValueError):
    """The agent offers no tool that is known to run a command."""


def reply_to(request: Recorded, steps: int) -> Reply:
    """The next shell call, or the last words when `steps` results are there."""
    offered = [tool["function"] for tool in request.json.get("tools") or ()]
    if not offered:
        return text("A run of shell commands")
    done = request.roles.count("tool")
    if done >= steps:
        return text("All steps are done.")
    try:
        shell = _shell(offered)
        arguments = _arguments(shell, f"echo step-{done + 1}-ok")
    except NoShellError as none:
        return error(400, str(none))
    return calls(call(shell["name"], **arguments))


def _shell(offered: list[dict[str, Any]]) -> dict[str, Any]:
    by_name = {tool["name"]: tool for tool in offered}
    for name in SHELLS:
        if name in by_name:
            return by_name[name]
    raise NoShellError(f"none of {', '.join(by_name)} is known to run a command")


def _arguments(shell: dict[str, Any], command: str) -> dict[str, object]:
    """`command` where the tool wants it, and something harmless for whatever else it demands."""
    schema: dict[str, Any] = shell.get("parameters") or {}
    properties: dict[str, dict[str, Any]] = schema.get("properties") or {}
    harmless: dict[str, object] = {"string": "step", "boolean": False, "array": [], "object": {}}
    demanded = {
        name: harmless.get(properties.get(name, {}).get("type", "string"), 60)
        for name in schema.get("required") or ()
    }
    wanted = next((name for name in ("command", "cmd", "commands") if name in properties), None)
    if wanted is None:
        raise NoShellError(f"{shell['name']} takes no command: {json.dumps(schema)[:200]}")
    is_list = properties[wanted].get("type") == "array"
    return {**demanded, wanted: [command] if is_list else command}


async def _serve(steps: int) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with ScriptedModel(lambda request: reply_to(request, steps)) as model:
        print(model.base_url, flush=True)
        await stopped.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shell_steps")
    parser.add_argument("--steps", type=int, default=20)
    asyncio.run(_serve(parser.parse_args().steps))


if __name__ == "__main__":
    main()
