"""The failpoints of both programs: where they are, what arms them, what they do."""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from executor import failpoints as executors
from maestro import failpoints as maestros
from tests.architecture.sources import PRODUCT_SOURCES, ROOT, Function, Source

BOTH = pytest.mark.parametrize("program", [maestros, executors], ids=["maestro", "executor"])


@BOTH
def test_each_failpoint_is_hit_once_and_where_the_list_says(program: ModuleType) -> None:
    package = program.__name__.partition(".")[0]
    listed: Mapping[str, str] = program.FAILPOINTS
    found = [
        (name, f"{source.module}.{where}")
        for source in PRODUCT_SOURCES
        if source.module.startswith(f"{package}.")
        for name, where in _hits(source)
    ]

    assert sorted(found) == sorted((name, what.split(":")[0]) for name, what in listed.items())


def _hits(source: Source) -> Iterator[tuple[str, str]]:
    """Each literal that is given to `hit`, and the qualified name of the function that does."""
    for node in source.tree.body:
        classes = [node] if isinstance(node, ast.ClassDef) else []
        members = [(f"{each.name}.", inner) for each in classes for inner in each.body]
        for prefix, function in [*members, ("", node)]:
            if isinstance(function, Function):
                yield from ((name, f"{prefix}{function.name}") for name in _names(function))


def _names(function: Function) -> Iterator[str]:
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Name(id="hit"), args=[ast.Constant(value=str() as name)]):
                yield name
            case _:
                pass


@pytest.mark.parametrize(
    ("command", "listed"),
    [
        (("maestro", "failpoints"), maestros.FAILPOINTS),
        (("executor.failpoints",), executors.FAILPOINTS),
    ],
    ids=["maestro", "executor"],
)
def test_each_program_lists_its_own(command: tuple[str, ...], listed: Mapping[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout == "".join(f"{name}  {what}\n" for name, what in listed.items())


PROGRAM = """
import os, sys
from {module} import arm, hit
arm(os.environ)
for turn in (1, 2, 3):
    print(turn, flush=True)
    try:
        hit("{name}")
    except RuntimeError as error:
        print(error)
"""


def _ran(program: ModuleType, wish: str) -> tuple[int, list[str]]:
    """The exit code and the lines of a process that reaches one failpoint three times."""
    name = next(iter(program.FAILPOINTS))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(module=program.__name__, name=name)],
        cwd=ROOT,
        env={program.VARIABLE: wish.format(name=name)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.split()


@BOTH
def test_an_armed_failpoint_acts_at_its_turn_and_only_then(program: ModuleType) -> None:
    assert _ran(program, "") == (0, ["1", "2", "3"])
    assert _ran(program, "{name}:2") == (137, ["1", "2"])
    name = next(iter(program.FAILPOINTS))
    assert _ran(program, "{name}:2:raise") == (0, ["1", "2", name, "3"])


@BOTH
def test_what_has_a_fuse_happens_once_in_all_processes(program: ModuleType, tmp_path: Path) -> None:
    fuse = tmp_path / "fuse"
    fuse.touch()
    wish = "{name}:1:exit:" + str(fuse)

    assert [_ran(program, wish)[0] for _ in range(3)] == [137, 0, 0]


@BOTH
@pytest.mark.parametrize("wish", ["nowhere:1", "{name}", "{name}:x", "{name}:1:burn"])
def test_a_wish_that_means_nothing_is_refused_by_name(program: ModuleType, wish: str) -> None:
    wish = wish.format(name=next(iter(program.FAILPOINTS)))

    with pytest.raises(Exception, match=f"{program.VARIABLE}: '{wish}'"):
        program.arm({program.VARIABLE: wish})
