"""Hold that importing is silent, and that the executor starts with nothing heavy.

Imports in processes of their own, so that nothing is loaded before.
"""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.architecture.sources import PRODUCT_SOURCES, ROOT

PROGRAM = Path(__file__).with_name("importing.py")
STARTS = [source.module for source in PRODUCT_SOURCES if source.module == "executor.cli.main"]
HEAVY = {
    *("asyncpg", "click", "fastapi", "jsonschema", "keyring", "openai", "prompt_toolkit"),
    *("pydantic", "redis", "rich", "starlette", "typer", "uvicorn"),
}


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


@pytest.mark.parametrize("start", STARTS)
def test_the_executor_starts_without_anything_heavy(start: str) -> None:
    assert _import(start).loaded & HEAVY == set()


def test_the_protocol_loads_neither_maestro_nor_executor() -> None:
    modules = [source.module for source in PRODUCT_SOURCES if source.module.startswith("protocol")]

    assert _import(*modules).loaded & {"maestro", "executor"} == set()
