"""The pieces of a sandbox that need no sandbox to be seen at work."""

import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from executor.process.git import runs_programs
from executor.sandbox.container import Contained
from executor.sandbox.detect import look
from executor.sandbox.outline import GIT_PARTS, outline
from executor.sandbox.premises import Premises
from executor.sandbox.scan import Found, Scan
from executor.sandbox.seccomp import program
from executor.sandbox.stubs import Stubs, sweep


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
    root, kept = _folders(tmp_path)
    names = {"held": None, "dot": b".\n", "mine": None}
    (root / "mine").write_text("x")
    first = Stubs(root, names, kept)
    second = Stubs(root, names, kept)
    assert first.put_up() == second.put_up() == ("held", "dot")
    assert stat.S_IMODE((root / "held").stat().st_mode) == 0o1700

    first.close()
    assert (root / "held").is_dir()
    second.close()
    assert os.listdir(root) == ["mine"]


def test_a_place_is_held_again_by_what_held_it_before(tmp_path: Path) -> None:
    root, kept = _folders(tmp_path)
    inodes: list[int] = []
    for _ in range(2):
        stubs = Stubs(root, {"held": None, "dot": b".\n"}, kept)
        assert stubs.put_up() == ("held", "dot")
        inodes += [(root / name).stat().st_ino for name in ("held", "dot")]
        stubs.close()

    assert inodes[:2] == inodes[2:]
    assert os.listdir(root) == []


def test_what_was_put_into_a_held_place_stays_there(tmp_path: Path) -> None:
    root, kept = _folders(tmp_path)
    stubs = Stubs(root, {"held": None, "dot": b".\n"}, kept)
    stubs.put_up()
    (root / "held" / "note").write_text("x")
    (root / "dot").unlink()
    (root / "dot").write_text("y")
    stubs.close()

    assert (root / "held" / "note").read_text() == "x"
    assert (root / "dot").read_text() == "y"
    assert Stubs(root, {"held": None, "dot": b".\n"}, kept).put_up() == ()


def test_places_are_held_where_nothing_can_be_moved_in(tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or tmp_path.stat().st_dev == other.stat().st_dev:
        pytest.skip("there is no second file system")
    root, _ = _folders(tmp_path)
    with TemporaryDirectory(dir=other) as elsewhere:
        for _ in range(2):
            stubs = Stubs(root, {"held": None, "dot": b".\n"}, Path(elsewhere))
            assert stubs.put_up() == ("held", "dot")
            stubs.close()
            assert os.listdir(root) == []


def test_what_a_killed_executor_has_left_is_swept_unless_a_command_needs_it(
    tmp_path: Path,
) -> None:
    root, kept = tmp_path / "project", tmp_path / "kept"
    root.mkdir()
    kept.mkdir()
    names = {"held": None, "used": None, "dot": ".\n"}
    for name in ("held", "used"):
        (root / name).mkdir()
        (root / name).chmod(0o1700)
    (root / "dot").write_text(".\n")
    (root / "used" / "mine").touch()
    other = Stubs(root, {}, kept)

    sweep(str(root), names, str(kept))
    assert sorted(os.listdir(root)) == ["dot", "held", "used"]
    other.close()
    sweep(str(root), names, str(kept))
    assert os.listdir(root) == ["used"]


def test_what_a_killed_executor_has_left_is_removed_by_the_next(tmp_path: Path) -> None:
    root, kept = _folders(tmp_path)
    (root / "held").mkdir()
    (root / "held").chmod(0o1700)
    stubs = Stubs(root, {"held": None}, kept)

    assert stubs.put_up() == ("held",)
    stubs.close()
    assert not (root / "held").exists()


def test_a_place_that_another_command_holds_counts_as_missing(tmp_path: Path) -> None:
    premises = _premises(tmp_path)
    root, _ = premises.project, (tmp_path / "kept").mkdir()
    (root / ".git").mkdir()
    scan = Scan(root, premises.protected, premises.exposed)
    before = outline(premises, scan)
    stubs = Stubs(root, dict.fromkeys(before.missing), tmp_path / "kept")
    assert stubs.put_up() == before.missing == (".codegen", *(f".git/{x}" for x in GIT_PARTS))

    assert outline(premises, scan) == before
    (root / ".codegen" / "config.toml").write_text("")
    assert outline(premises, scan).protected == (".codegen",)


def _folders(folder: Path) -> tuple[Path, Path]:
    """A project, and what is kept for it."""
    root, kept = folder / "project", folder / "kept"
    root.mkdir()
    kept.mkdir()
    return root, kept


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

    assert launch.argv[5:7] == ("/bin/true", "run")
    assert launch.argv[launch.argv.index("tools:1") + 1] == "/bin/sh"
    assert launch.argv[-1] == "make"
    assert launch.environment["CI"] == "1"
    for part in ("--network none", "--cap-drop ALL", "--read-only", "--pull never", "--env CI "):
        assert part in line
    assert f"type=bind,src=/dev/null,dst={root}/.env,ro" in line
    assert sorted(os.listdir(root)) == [".env"]
