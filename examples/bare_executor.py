"""The least that can be an executor: one handshake, then calls run and answered until the end.

Made from docs/protocol.md alone: the standard library and a WebSocket client. It keeps no journal,
so it cannot resume, and has no sandbox, so it asks before it changes or runs anything.

    CODEGEN_TOKEN=... python bare_executor.py --server ws://127.0.0.1:8700 "add a --json flag"
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

ROOT = Path.cwd().resolve()
MOST = 200_000  # characters of one result: within the protocol's limit, whatever they are


def inside(path: str) -> Path:
    found = (ROOT / path).resolve()
    if not found.is_relative_to(ROOT):
        raise PermissionError(f"{path} is outside of {ROOT}")
    return found


def shell(command: str, timeout_s: int | None = None, workdir: str | None = None) -> str:
    with subprocess.Popen(
        ["/bin/sh", "-c", command],
        cwd=inside(workdir or "."),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=min(timeout_s or 120, 1800))
        finally:  # what the command has started ends with it
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return f"{output.decode(errors='replace')[:MOST]}\n[exit code {process.returncode}]"


def read_file(file_path: str, offset: int = 1, limit: int = 2000) -> str:
    lines = inside(file_path).read_text().splitlines()[offset - 1 :][:limit]
    return "\n".join(f"{number}\t{line}" for number, line in enumerate(lines, start=offset))[:MOST]


def write_file(file_path: str, content: str) -> str:
    inside(file_path).parent.mkdir(parents=True, exist_ok=True)
    inside(file_path).write_text(content)
    return f"Wrote {file_path}."


def edit(file_path: str, old_string: str, new_string: str, *, replace_all: bool = False) -> str:
    text = inside(file_path).read_text()
    places = text.count(old_string)
    if places != 1 and not (places and replace_all):
        raise ValueError(f"old_string is there {places} times in {file_path}.")
    inside(file_path).write_text(text.replace(old_string, new_string))
    return f"Edited {file_path}."


TOOLS = {"Shell": shell, "ReadFile": read_file, "WriteFile": write_file, "Edit": edit}


def allowed(name: str) -> bool:
    if name == "ReadFile":
        return True
    return sys.stdin.isatty() and input("Run this? [y/N] ").strip().lower() == "y"


def carry_out(call: dict[str, Any], *, ask: bool) -> tuple[str, str, str]:
    """Status, result and error code of one `run_tool`."""
    name, parameters = call["tool_name"], call["parameters"]
    print(name, ascii(parameters), file=sys.stderr)
    if name not in TOOLS:
        return "error", f"This executor has no tool {name}.", "unknown_tool"
    if ask and not allowed(name):
        return "denied", "The user did not allow it.", ""
    try:
        return "success", TOOLS[name](**parameters), ""
    except subprocess.TimeoutExpired as error:
        return "timeout", str(error), ""
    except TypeError as error:  # a parameter that is missing, or that this executor lacks
        return "error", str(error), "invalid_parameters"
    except (OSError, ValueError) as error:
        return "error", str(error), "failed"


def main() -> int:
    parser = argparse.ArgumentParser(description="The least that can be an executor.")
    parser.add_argument("prompt")
    parser.add_argument("--server", default=os.environ.get("CODEGEN_SERVER"))
    parser.add_argument("--yes", action="store_true", help="never ask")
    arguments = parser.parse_args()
    handshake: dict[str, Any] = {
        "client_type": "bare",
        "initial_prompt": arguments.prompt,
        "known_tools": list(TOOLS),
        "custom_tools": [],
        "project_spec": {"content": "", "file_paths": []},
    }
    token = {"Authorization": f"Bearer {os.environ.get('CODEGEN_TOKEN', '')}"}
    with connect(f"{arguments.server}/ws/v1/connect", additional_headers=token) as socket:
        socket.send(json.dumps({"type": "handshake", "payload": handshake}))
        for text in socket:
            frame = json.loads(text)
            call = frame["payload"]
            match frame["type"]:
                case "run_tool":
                    status, result, code = carry_out(call, ask=not arguments.yes)
                    answer = {
                        "tool_id": call["tool_id"],
                        "status": status,
                        "result": result,
                        "generation_id": call["generation_id"],
                        "error": {"code": code} if code else None,
                    }
                    socket.send(json.dumps({"type": "tool_result", "payload": answer}))
                case "run_finished":  # the two that a caller wants to see; the rest is ignored
                    print(call.get("summary") or call["reason"])
                    return 0 if call["outcome"] == "success" else 1
                case "error":
                    print(call["message"], file=sys.stderr)
                case _:
                    pass
    return 1


if __name__ == "__main__":
    sys.exit(main())
