"""Run as a program: find the lines of a growing file that match, so that it can be killed.

A pattern of Python's `re` may take for ever, and nothing inside the interpreter can stop it.
Imports nothing but the standard library.

Its one argument is a Request as JSON. It writes at most `most` bytes of matching lines. With
`waits` it writes none, ends at the first match, and looks again while there is nothing more to
read; `end` is null then. The last line that it writes is JSON: {"cursor": byte behind what was
looked at, "found": lines} or {"problem": words}.
"""

import json
import re
import resource
import sys
import time
from typing import TypedDict

LINE_MAX = 16 * 1024
"""Bytes of a line that are looked at."""
_PAUSE = 0.05


class Request(TypedDict):
    path: str
    start: int
    end: int | None
    pattern: str
    waits: bool
    most: int
    seconds: int
    """Of processor time."""


def main() -> None:
    request: Request = json.loads(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CPU, (request["seconds"], request["seconds"]))
    try:
        pattern = re.compile(request["pattern"])
    except (re.error, OverflowError, RecursionError) as error:
        answer: dict[str, int | str] = {"problem": f"{request['pattern']!r}: {error}"}
    else:
        answer = _searched(request, pattern)
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")


def _searched(request: Request, pattern: re.Pattern[str]) -> dict[str, int | str]:
    found, left, end = 0, request["most"], request["end"]
    with open(request["path"], "rb") as file:
        cursor = file.seek(request["start"])
        while end is None or cursor < end:
            line = file.readline(LINE_MAX if end is None else min(LINE_MAX, end - cursor))
            whole = line.endswith(b"\n") or len(line) == LINE_MAX
            if pattern.search(line.decode("utf-8", "replace").rstrip("\r\n")) if line else None:
                found += 1
                if request["waits"]:
                    cursor += len(line)
                    break
                if left < len(line):
                    break
                left -= len(line)
                sys.stdout.buffer.write(line if line.endswith(b"\n") else line + b"\n")
            if whole:
                cursor += len(line)
            elif end is not None:
                cursor += len(line)
                if not line:
                    break
            else:  # a line that is being written: a prompt may be all there ever is of it
                file.seek(cursor)
                time.sleep(_PAUSE)
    return {"cursor": cursor, "found": found}


if __name__ == "__main__":
    main()
