"""Find the user's own tools: tools.toml and tools/*.py beside the user's configuration.

Never a project's. A Python file is described in a process of its own, and remembered by its
content, so that a start with known files runs nothing.
"""

import hashlib
import os
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from executor.errors import UsageError
from executor.own_tools.definition import (
    MAX_SECONDS,
    MAX_TOOLS,
    CommandDefinition,
    Described,
    declared,
)
from executor.own_tools.running import Check, CommandTool, PythonTool, host_argv
from executor.process.environment import clean_environment
from protocol.version import PROTOCOL_VERSION

DESCRIBE_SECONDS = 20.0
MAX_FILES = 32
MAX_FILE_BYTES = 1024 * 1024

OwnTool = CommandTool | PythonTool
_CACHE = msgspec.json.Decoder(dict[str, list[Described]])


class Sourced(msgspec.Struct, frozen=True):
    tool: OwnTool
    source: str
    """The file that it comes from."""


def own_tools(
    config: Path, state: Path, environment: Mapping[str, str], check: Check
) -> dict[str, Sourced]:
    """By name. Raises UsageError, which names the file and the tool that is wrong."""
    found: dict[str, Sourced] = {}
    for each in (
        *_commands(config / "tools.toml", environment, check),
        *_functions(config / "tools", state / "tools.json", environment),
    ):
        name = each.tool.declaration.name
        if name in found:
            raise UsageError(
                f"{each.source}: there is a tool {name!r} already, in {found[name].source}"
            )
        found[name] = each
    if len(found) > MAX_TOOLS:
        raise UsageError(f"{config}: {len(found)} tools; at most {MAX_TOOLS} can be offered")
    return found


def _commands(file: Path, environment: Mapping[str, str], check: Check) -> Iterator[Sourced]:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: can't be read: {error}") from error
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file}: {error}") from error
    for name, table in tables.items():
        where = f"{file}, {_line(text, name)}"
        yield Sourced(_command(name, table, where, environment, check), where)


def _command(
    name: str, table: Any, where: str, environment: Mapping[str, str], check: Check
) -> CommandTool:
    try:
        definition = msgspec.convert(table, CommandDefinition)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where}: {name}: {error}") from error
    if not definition.command or not os.path.isabs(definition.command[0]):
        raise UsageError(
            f"{where}: {name}: command: expected a list that begins with an absolute path"
        )
    if not 0 < definition.timeout_s <= MAX_SECONDS:
        raise UsageError(f"{where}: {name}: timeout_s: expected 1 to {MAX_SECONDS}")
    described = Described(name, definition.description, definition.parameters, definition.effect)
    return CommandTool(
        declared(described, where),
        definition.command,
        seconds=definition.timeout_s,
        environment={
            variable: environment[variable]
            for variable in definition.environment
            if variable in environment
        },
        check=check,
    )


def _functions(folder: Path, cache: Path, environment: Mapping[str, str]) -> Iterator[Sourced]:
    files = sorted(folder.glob("*.py"))
    if not files:
        return
    if len(files) > MAX_FILES:
        raise UsageError(f"{folder}: {len(files)} files; at most {MAX_FILES} are read")
    known = _read(cache)
    described: dict[str, list[Described]] = {}
    for file in files:
        digest = _digest(file)
        key = f"{PROTOCOL_VERSION}:{file}:{digest}"
        described[key] = known[key] if key in known else _described(file, environment)
        for each in described[key]:
            yield Sourced(PythonTool(declared(each, str(file)), file, digest), str(file))
    if described.keys() != known.keys():
        _write(cache, described)


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{file}: can't be read: {error.strerror}") from error
    if len(content) > MAX_FILE_BYTES:
        raise UsageError(f"{file}: larger than {MAX_FILE_BYTES:,} bytes")
    return hashlib.sha256(content).hexdigest()


def _described(file: Path, environment: Mapping[str, str]) -> list[Described]:
    try:
        done = subprocess.run(
            host_argv("describe", str(file)),
            cwd="/",
            env=clean_environment(environment, "describe"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DESCRIBE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UsageError(f"{file}: still loading after {DESCRIBE_SECONDS:.0f} s") from None
    if done.returncode != 0:
        raise UsageError(f"{file}: {done.stdout.decode('utf-8', 'replace')[:500]}")
    return msgspec.json.decode(done.stdout, type=list[Described])


def _read(cache: Path) -> dict[str, list[Described]]:
    try:
        return _CACHE.decode(cache.read_bytes())
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return {}


def _write(cache: Path, described: dict[str, list[Described]]) -> None:
    """Only saves time at the next start: a disk that takes nothing is no reason to stop."""
    draft = cache.with_suffix(f".{os.getpid()}")
    try:
        cache.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.write_bytes(msgspec.json.encode(described))
        draft.replace(cache)
    except OSError:
        draft.unlink(missing_ok=True)


def _line(text: str, name: str) -> str:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip().strip("[]").strip('"') == name:
            return f"line {number}"
    return "a table"
