"""Hold that importing is silent, and that each program starts with nothing heavy.

Imports in processes of their own, so that nothing is loaded before.
"""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.architecture.sources import PRODUCT_SOURCES, ROOT

PROGRAM = Path(__file__).with_name("importing.py")
FOREIGN = {
    "executor.cli.main": set[str](),
    "executor.cli.dispatch": {"msgspec", "typing_extensions"},
    "executor.cli.run": {"msgspec", "typing_extensions", "websockets"},
    "executor.process.warden": set[str](),
    "maestro.__main__": set[str](),
    "maestro.llm.transport": {"backports", "httpx2", "idna", "msgspec", "typing_extensions"},
}
"""What a start may load that is neither ours nor of the standard library, by what is imported."""
HEAVY = {
    "executor.cli.main": {"asyncio", "logging", "ssl", "subprocess"},
    "executor.cli.dispatch": {"asyncio", "dataclasses", "logging", "ssl", "subprocess", "tomllib"},
    "executor.cli.run": {"argparse", "sqlite3", "tomllib", "unittest", "xml"},
    "executor.process.warden": {"asyncio", "dataclasses", "logging", "ssl", "subprocess"},
    "maestro.__main__": {"asyncio", "dataclasses", "logging", "ssl", "sqlite3", "subprocess"},
    "maestro.llm.transport": {"sqlite3"},
}
"""What of the standard library it may not load."""


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


@pytest.mark.parametrize("start", FOREIGN)
def test_a_start_loads_nothing_heavy(start: str) -> None:
    loaded = _import(start).loaded
    ours = {"executor", "maestro", "protocol"}
    foreign = {name for name in loaded - ours - sys.stdlib_module_names if name[0] != "_"}

    assert foreign <= FOREIGN[start]
    assert loaded & HEAVY[start] == set()


def test_the_protocol_loads_neither_maestro_nor_executor() -> None:
    modules = [source.module for source in PRODUCT_SOURCES if source.module.startswith("protocol")]

    assert _import(*modules).loaded & {"maestro", "executor"} == set()
