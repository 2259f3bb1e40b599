"""`./run` as a newcomer meets it: what it says when it cannot start, and what it hands on.

Installs nothing: a scripted uv stands where the real one would, in a copy of the tree's root.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

SYSTEM = ("sh", "cat", "cksum", "dirname", "grep", "rm")

# Notes each install in a file that every start of the test shares.
SCRIPTED_UV = """#!/bin/sh
case $1 in
venv) mkdir -p "$5/bin" && ln -s "$4" "$5/bin/python" ;;
pip) echo "$*" >>"$INSTALLS" ;;
esac
"""
FAILING_UV = """#!/bin/sh
echo "no space left on the device"
exit 1
"""


class Checkout:
    """A copy of what `./run` reads, in a folder whose name has a space, with a PATH of its own."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "the project"
        self.path = folder / "bin"
        self.installs = folder / "installs"
        self.path.mkdir()
        self.root.mkdir()
        shutil.copytree(ROOT / "requirements", self.root / "requirements")
        for name in ("run", "pyproject.toml"):
            shutil.copy(ROOT / name, self.root)
        for name in SYSTEM:
            (self.path / name).symlink_to(shutil.which(name) or name)

    def add_program(self, name: str, text: str) -> None:
        program = self.path / name
        program.write_text(text)
        program.chmod(0o755)

    def add_python(self) -> None:
        (self.path / "mkdir").symlink_to(shutil.which("mkdir") or "mkdir")
        (self.path / "ln").symlink_to(shutil.which("ln") or "ln")
        self.add_program("python3", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        for package in ("protocol", "maestro", "executor"):
            (self.root / package).mkdir()

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.root / "run", *arguments],
            cwd=self.path.parent,
            env={"PATH": str(self.path), "INSTALLS": str(self.installs), **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **environment: str) -> tuple[int | None, str, str]:
        """Exit status, output and error output of `./run arguments`, given "typed" as input."""
        process = self.start(*arguments, **environment)
        output, errors = process.communicate("typed", timeout=60)
        return process.returncode, output, errors


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_without_a_python_one_line_says_what_to_install(checkout: Checkout) -> None:
    assert checkout.run("codegen", "demo") == (
        1,
        "",
        "run: Python 3.11 or later is needed (Debian, Ubuntu: apt install python3 python3-venv)\n",
    )


def test_without_the_venv_module_one_line_says_what_to_install(
    checkout: Checkout, tmp_path: Path
) -> None:
    checkout.add_python()
    (tmp_path / "ensurepip.py").write_text("raise ImportError")

    status, output, errors = checkout.run("codegen", PYTHONPATH=str(tmp_path))

    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert errors.endswith("lacks the venv module (Debian, Ubuntu: apt install python3-venv)\n")


def test_a_command_gets_arguments_input_folder_and_gives_its_exit_status(
    checkout: Checkout,
) -> None:
    checkout.add_python()
    checkout.add_program("uv", SCRIPTED_UV)
    code = "import os, sys; print(sys.argv[1:], sys.stdin.read(), os.getcwd()); sys.exit(7)"

    first = checkout.run("python", "-c", code, "a b", "")
    second = checkout.run("python", "-c", code, "a b", "")

    said = f"['a b', ''] typed {checkout.path.parent}\n"
    assert first == (7, said, "first start: installing into .venv (about 20 s)\n")
    assert second == (7, said, "")


def test_changed_pins_are_installed_at_the_next_start(checkout: Checkout) -> None:
    checkout.add_python()
    checkout.add_program("uv", SCRIPTED_UV)
    checkout.run("python", "-c", "")
    before = checkout.installs.read_text()

    with (checkout.root / "requirements/base.txt").open("a") as pins:
        pins.write("# changed\n")
    checkout.run("python", "-c", "")

    assert checkout.installs.read_text() == before * 2


def test_an_environment_left_half_made_is_made_again(checkout: Checkout) -> None:
    checkout.add_python()
    checkout.add_program("uv", SCRIPTED_UV)
    left = checkout.root / ".venv" / "bin" / "left"
    left.parent.mkdir(parents=True)
    left.touch()
    (checkout.root / ".venv" / ".stamp").write_text("making\n")

    assert checkout.run("python", "-c", "print('works')")[:2] == (0, "works\n")
    assert not left.exists()


def test_two_starts_at_once_install_once(checkout: Checkout) -> None:
    checkout.add_python()
    checkout.add_program("uv", SCRIPTED_UV)

    starts = [checkout.start("python", "-c", "print('works')") for _ in range(4)]
    answers = [start.communicate(timeout=60)[0] for start in starts]

    assert answers == ["works\n"] * 4
    assert checkout.installs.read_text().count("--requirement") == 1


def test_an_installation_that_fails_shows_why(checkout: Checkout) -> None:
    checkout.add_python()
    checkout.add_program("uv", FAILING_UV)

    status, output, errors = checkout.run(
        "codegen", PIP_NO_INDEX="1", PIP_CONFIG_FILE=os.devnull, HOME=str(checkout.path)
    )

    assert (status, output) == (1, "")
    assert "no space left on the device" in errors
    assert "No matching distribution" in errors


def test_an_unknown_command_is_named(checkout: Checkout) -> None:
    checkout.add_python()
    checkout.add_program("uv", SCRIPTED_UV)

    status, _, errors = checkout.run("no-such")

    assert (status, errors.splitlines()[-1]) == (1, "run: no such command in .venv/bin: no-such")
