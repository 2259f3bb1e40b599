"""The pieces of a sandbox that need no sandbox to be seen at work."""

import os
import stat
from pathlib import Path

import pytest

from executor.process.git import runs_programs
from executor.sandbox.container import Contained
from executor.sandbox.detect import look
from executor.sandbox.premises import Premises
from executor.sandbox.scan import Found, Scan
from executor.sandbox.seatbelt import profile
from executor.sandbox.seccomp import program
from executor.sandbox.stubs import Stubs


def _premises(folder: Path) -> Premises:
    root = folder / "project"
    root.mkdir()
    (root / ".env").write_text("KEY=x\n")
    facts = root.stat()
    return Premises(
        project=root,
        identity=(facts.st_dev, facts.st_ino),
        home=folder / "home",
        scratch=folder / "scratch",
        environment={},
        protected=frozenset({".git", ".codegen"}),
    )


def test_places_are_held_until_the_last_command_has_ended(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    names = {"held": None, "dot": b".\n", "mine": None}
    (tmp_path / "mine").write_text("x")
    first = Stubs(tmp_path, names, lock)
    second = Stubs(tmp_path, names, lock)
    assert first.put_up() == second.put_up() == ("held", "dot")
    assert stat.S_IMODE((tmp_path / "held").stat().st_mode) == 0o1500

    first.close()
    assert (tmp_path / "held").is_dir()
    second.close()
    assert sorted(os.listdir(tmp_path)) == ["lock", "mine"]


def test_what_a_killed_executor_has_left_is_removed_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "held").mkdir()
    (tmp_path / "held").chmod(0o1500)
    stubs = Stubs(tmp_path, {"held": None}, tmp_path / "lock")

    assert stubs.put_up() == ("held",)
    stubs.close()
    assert not (tmp_path / "held").exists()


def test_a_scan_finds_what_came_and_forgets_what_went(tmp_path: Path) -> None:
    scan = Scan(tmp_path, frozenset({".git"}), lambda path: path == "certs/shown.pem")
    (tmp_path / "certs").mkdir()
    (tmp_path / "node_modules").mkdir()
    for name in ("certs/shown.pem", "certs/a.pem", "node_modules/b.pem"):
        (tmp_path / name).write_text("")
    assert scan.look() == Found(("certs/a.pem",), ())

    (tmp_path / "certs" / "a.pem").unlink()
    (tmp_path / "sub" / ".GIT").mkdir(parents=True)
    assert scan.look() == Found((), ("sub/.GIT",))


@pytest.mark.parametrize(
    ("line", "runs"),
    [
        ("status", False),
        ("commit -m x", False),
        ("push -u origin main", False),
        ("log -S exec -- --exec", False),
        ("cherry-pick -x abc", False),
        ("rebase --exec make main", True),
        ("rebase -xmake main", True),
        ("bisect run make", True),
        ("submodule foreach make", True),
        ("fetch --upload-pack=evil", True),
        ("fetch --upload-p evil", True),
        ("clone -c core.fsmonitor=evil x", True),
        ("merge -s evil main", True),
        ("grep -Oevil x", True),
        ("unheard-of", True),
    ],
)
def test_git_that_may_run_other_programs_is_known(line: str, runs: bool) -> None:
    assert runs_programs(tuple(line.split())) is runs


def test_a_filter_is_made_for_known_machines_only() -> None:
    for machine in ("x86_64", "aarch64"):
        made = program(machine, "own network", own_ipc=True)
        assert made is not None
        assert len(made) % 8 == 0
    assert program("vax", "none", own_ipc=True) is None


def test_a_bubblewrap_that_others_may_change_is_not_taken(tmp_path: Path) -> None:
    planted = tmp_path / "bwrap"
    planted.write_text("#!/bin/sh\n")
    planted.chmod(0o777)

    found = look((str(planted),))
    assert found.bubblewrap is None
    assert found.why["bubblewrap"] == f"{planted} can be changed by others than root"


async def test_a_container_gets_the_project_and_nothing_else(tmp_path: Path) -> None:
    premises = _premises(tmp_path)
    root = premises.project
    handle = os.open(root, os.O_RDONLY)
    async with Contained(premises, "/bin/true", "tools:1").around(
        ("make",), {"PATH": "/bin", "CI": "1"}, handle
    ) as launch:
        line = " ".join(launch.argv)
        assert (root / ".codegen").is_dir()
    os.close(handle)

    assert launch.argv[:2] == ("/bin/true", "run")
    assert launch.argv[-2:] == ("tools:1", "make")
    for part in ("--network none", "--cap-drop ALL", "--read-only", "--pull never", "--env CI=1"):
        assert part in line
    assert f"type=bind,src=/dev/null,dst={root}/.env,ro" in line
    assert sorted(os.listdir(root)) == [".env"]


def test_seatbelts_rules_cover_protected_names_in_any_case(tmp_path: Path) -> None:
    text = profile(_premises(tmp_path), [Path("/opt/tools")], [".env"])

    assert text.startswith("(version 1)\n(deny default)\n")
    assert "[.][cC][oO][dD][eE][gG][eE][nN](/|$)" in text
    assert f'(deny file-read* file-write* (subpath "{tmp_path}/project/.env"))' in text
    assert "(allow network*)" not in text
