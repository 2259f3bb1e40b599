"""Hold that importing is silent, and that each program starts with nothing heavy.

Imports in processes of their own, so that nothing is loaded before.
"""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.architecture.sources import PRODUCT_SOURCES, ROOT
from tests.requirements import covers

PROGRAM = Path(__file__).with_name("importing.py")
LIGHT = {"msgspec", "typing_extensions"}
HTTP = {*LIGHT, "backports", "httpx2", "idna"}
SERVER = {
    *LIGHT,
    *("attr", "attrs", "idna", "jsonschema", "jsonschema_specifications", "referencing", "rpds"),
    *("structlog", "pygments", "rich"),
}
FOREIGN = {
    "executor.process.warden": set[str](),
    "maestro.__main__": set[str](),
    "maestro.llm.direct": {*LIGHT, "cython_runtime", "httptools"},
    "maestro.llm.transport": HTTP,
}
"""What a start may load that is neither ours nor of the standard library, by what is imported."""
COMMANDS = {
    **dict.fromkeys(
        (
            *("config", "conversation", "credentials", "doctor", "flags", "help", "login"),
            *("minutes", "models", "placing", "private_maestro", "rest", "sessions", "slash"),
            *("standard_input", "trusting", "dispatch", "branching", "history", "tools"),
            *("finding", "finding_sandbox", "undo", "policy", "changes", "audit", "shells"),
            *("demo", "open_run", "run", "talk"),
        ),
        LIGHT,
    ),
    "complaints": set[str](),
    "signals": set[str](),
    "main": set[str](),
    "app": {*LIGHT, "annotated_doc", "shellingham", "typer"},
    "line_editor": {"prompt_toolkit", "wcwidth"},
}
"""The same for each file of `codegen`'s commands."""
MAESTRO_COMMANDS = {
    **dict.fromkeys(("keys", "migrate", "models"), LIGHT),
    "bench": {*HTTP, "websockets"},
    "private": set[str](),
    "serve": SERVER,
}
"""The same for each file of `maestro`'s."""
STARTS = {
    **FOREIGN,
    **{f"executor.cli.{name}": known for name, known in COMMANDS.items()},
    **{f"maestro.commands.{name}": known for name, known in MAESTRO_COMMANDS.items()},
}
HEAVY = {
    "executor.cli.main": {"asyncio", "logging", "ssl", "subprocess"},
    "executor.cli.dispatch": {"asyncio", "dataclasses", "logging", "ssl", "subprocess", "tomllib"},
    "executor.cli.run": {
        *("argparse", "ctypes", "dataclasses", "difflib", "email", "http", "sqlite3", "tomllib"),
        *("unittest", "xml", "zipfile"),
    },
    "executor.process.warden": {"asyncio", "dataclasses", "logging", "ssl", "subprocess"},
    "maestro.__main__": {"asyncio", "dataclasses", "logging", "ssl", "sqlite3", "subprocess"},
    "maestro.llm.transport": {"sqlite3"},
}
"""What of the standard library it may not load."""

NEVER = {"unittest"}
"""For all others."""


WARDEN = """
import sys
sys.path.append(sys.argv[1])
import executor.process.warden
print(*sys.modules)
"""


class Imported(msgspec.Struct, frozen=True):
    """What the import of some modules did."""

    deeds: list[str]
    """What a module of ours did to the world: file, what, detail."""
    loaded: set[str]
    """Top-level names of everything that was loaded."""


def _import(*modules: str) -> Imported:
    """Import `modules` in a fresh interpreter, which may print nothing of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(PROGRAM), *modules],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b""), done.stderr.decode()
    printed, _, answer = done.stdout.rpartition(b"\n")
    assert printed == b""
    return msgspec.json.decode(answer, type=Imported)


def test_importing_prints_nothing_and_leaves_files_environment_and_network_alone() -> None:
    modules = [source.module for source in PRODUCT_SOURCES]

    assert _import(*modules).deeds == []


@covers("R-PERF-1")
@pytest.mark.parametrize("start", STARTS)
def test_a_start_loads_nothing_heavy(start: str) -> None:
    loaded = _import(start).loaded
    ours = {"executor", "maestro", "protocol"}
    foreign = {name for name in loaded - ours - sys.stdlib_module_names if name[0] != "_"}

    assert foreign <= STARTS[start]
    assert loaded & HEAVY.get(start, NEVER) == set()


@covers("R-PERF-1")
def test_the_wardens_program_loads_next_to_nothing() -> None:
    """It is started for every run and copied for every command."""
    loaded = subprocess.run(
        [sys.executable, "-I", "-S", "-c", WARDEN, str(ROOT)],
        capture_output=True,
        check=True,
        timeout=60,
        text=True,
    ).stdout.split()

    assert "executor.sandbox.enforce" in loaded
    assert not {
        *(
            "collections",
            "contextlib",
            "ctypes",
            "enum",
            "functools",
            "json",
            "re",
            "signal",
            "socket",
        ),
        *("typing", "warnings"),
    }.intersection(loaded)


def test_what_each_command_may_load_is_known() -> None:
    commands = {
        f"{package}.{path.stem}"
        for package in ("executor.cli", "maestro.commands")
        for path in (ROOT / package.replace(".", "/")).glob("*.py")
        if path.stem != "__init__"
    }

    assert commands - set(STARTS) == set()


def test_the_protocol_loads_neither_maestro_nor_executor() -> None:
    modules = [source.module for source in PRODUCT_SOURCES if source.module.startswith("protocol")]

    assert _import(*modules).loaded & {"maestro", "executor"} == set()
