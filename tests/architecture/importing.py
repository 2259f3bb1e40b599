"""Import the modules named in the arguments and print, as JSON, what their import did to the world.

A program for a process of its own; reads of files inside the tree are not counted, they ship with
the code.
"""

import importlib
import inspect
import json
import os
import sys
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = str(Path(__file__).resolve().parents[2])
WATCHED = {
    *("open", "os.mkdir", "os.remove", "os.rename", "os.putenv", "os.listdir", "os.scandir"),
    *("os.fork", "os.posix_spawn", "os.system", "subprocess.Popen"),
    *("socket.__new__", "socket.connect", "socket.getaddrinfo", "sqlite3.connect"),
}

deeds: list[str] = []


def importer(frame: FrameType | None) -> str | None:
    """The file of ours whose module level is being run, None when that is somebody else's."""
    if frame is not None and frame.f_code.co_filename.startswith("<frozen importlib"):
        return None  # the import system itself, looking for a module
    while frame is not None and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    name = frame.f_code.co_filename if frame is not None else ""
    return name if name.startswith(ROOT) and name != __file__ and ".venv" not in name else None


def stack_above() -> FrameType | None:
    """The frame that did what is being recorded: three above this one."""
    frame = inspect.currentframe()
    for _ in range(3):
        frame = frame and frame.f_back
    return frame


def record(what: str, detail: object) -> None:
    culprit = importer(stack_above())
    if culprit is not None and not str(detail).startswith(ROOT):
        deeds.append(f"{culprit.removeprefix(ROOT + '/')}: {what} {detail}")


def audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event in WATCHED:
        record(event, arguments[0] if arguments else "")


class WatchedEnvironment(type(os.environ)):
    """os.environ that tells who reads it at import."""

    def __getitem__(self, key: str) -> str:
        if not key.startswith("PYDANTIC_"):  # pydantic's own switches, read for every model
            record("reads environment", key)
        return super().__getitem__(key)


def main() -> None:
    os.environ.__class__ = WatchedEnvironment
    sys.addaudithook(audit)
    for name in sys.argv[1:]:
        importlib.import_module(name)
    loaded = sorted({name.partition(".")[0] for name in sys.modules})
    sys.stdout.write(json.dumps({"deeds": deeds, "loaded": loaded}))


if __name__ == "__main__":
    main()
