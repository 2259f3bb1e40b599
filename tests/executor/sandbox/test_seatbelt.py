"""Seatbelt without a Mac: what its profile says, how a command is started, when it is chosen."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from executor.bootstrap.confining import Chosen, chosen
from executor.cli.finding_sandbox import sandbox_findings
from executor.errors import SandboxBroken, UsageError
from executor.process.command import Command, Exited
from executor.process.processes import Processes
from executor.sandbox.belted import Belted
from executor.sandbox.detect import Findings, find, look, to_install
from executor.sandbox.premises import EVERYWHERE, Bounds, Premises
from executor.sandbox.seatbelt import Sight, profile
from executor.settings import Folders, Settings
from tests.executor.sandbox.seatbelt_rules import Rules

ROOTS = (
    "/Users/ann/project",
    "/Users/ann/.cursor/my project (1)",
    '/Users/ann/a "quoted" \\ back[slash]^ $x.*',
    "/Users/ann/日本/Überraschung",
    "/private/tmp/p",
    "/opt/code/p",
)


def _sight(root: str) -> Sight:
    return Sight(
        root=Path(root),
        homes=(Path("/Users/ann"),),
        shown=(Path("/Users/ann/.cargo/bin"),),
        writable=(Path("/Users/ann/data"),),
        own=(Path("/Users/ann/.state"), Path("/opt/codegen")),
        places=(Path("/Users/ann/.state/box/home"), Path("/Users/ann/.state/box/tmp")),
        readable=(Path("/Users/ann/.state/outputs"),),
        names=frozenset({".git", ".codegen", ".envrc"}),
        repositories=(".git", "sub/.git"),
        protected=(".codegen", "deep/.vscode"),
        secrets=(".env", "keys/id_rsa", 'odd "name" é'),
    )


@pytest.mark.parametrize("root", ROOTS)
def test_the_profile_lets_through_what_a_sandbox_lets_through(root: str) -> None:
    rules = Rules(profile(_sight(root), shares_network=False))

    for name in ("a.py", "sub/b", ".gitignore", ".git/index", ".git/hooksmith", "deep/.envrc"):
        assert rules.writable(f"{root}/{name}"), name
        assert rules.readable(f"{root}/{name}"), name
    for name in (
        *(".codegen", ".codegen/x", ".CodeGen/x", ".envrc", ".ENVRC", ".git", ".GIT"),
        *(".git/config", ".git/hooks/pre-commit", ".git/Hooks/x", ".git/commondir", ".git/modules"),
        *("sub/.git/config", "sub/.git", "deep/.vscode/tasks.json"),
    ):
        assert not rules.writable(f"{root}/{name}"), name
        assert rules.readable(f"{root}/{name}"), name
    for name in (".env", "keys/id_rsa", 'odd "name" é', "keys/id_rsa/inner"):
        assert not rules.readable(f"{root}/{name}"), name
        assert not rules.writable(f"{root}/{name}"), name
    for outer in Path(root).parents:
        assert rules.allow("file-read-metadata", str(outer))
        assert not rules.writable(f"{outer}/beside".replace("//", "/"))


def test_the_profile_hides_what_is_not_the_projects() -> None:
    rules = Rules(profile(_sight("/Users/ann/project"), shares_network=False))

    for path in (
        *("/Users/ann/.ssh/id_ed25519", "/Users/ben/x", "/Volumes/disk/x", "/private/tmp/x"),
        *("/private/var/folders/zz/x", "/Users/ann/.state/token", "/opt/codegen/token"),
        *("/Users/ann/.cargo/credentials", "/Users/ann/projects/x", "/private/var/run/x"),
    ):
        assert not rules.readable(path), path
        assert not rules.writable(path), path
    for path in ("/usr/bin/git", "/etc/hosts", "/Users/ann/.cargo/bin/cargo", "/dev/urandom"):
        assert rules.readable(path), path
        assert not rules.writable(path), path
    assert rules.readable("/Users/ann/.state/outputs/1")
    assert not rules.writable("/Users/ann/.state/outputs/1")
    for path in ("/Users/ann/data/x", "/Users/ann/.state/box/home/x", "/dev/null", "/dev/tty"):
        assert rules.writable(path), path
    assert not rules.writable("/dev/ttys001")
    assert not rules.writable("/dev/disk0")


def test_the_network_is_closed_unless_it_is_opened() -> None:
    for open_to_all in (False, True):
        rules = Rules(profile(_sight("/Users/ann/p"), shares_network=open_to_all))
        for operation in ("network-outbound", "network-inbound", "network-bind", "system-socket"):
            assert rules.allow(operation) is open_to_all
        assert not rules.allow("network-outbound", "/private/var/run/docker.sock")
        assert not rules.allow("network-outbound", "/Users/ann/.agent.sock")


def test_a_path_that_no_profile_can_name_is_refused() -> None:
    with pytest.raises(SandboxBroken, match="no profile can name"):
        profile(_sight("/Users/ann/new\nline"), shares_network=False)


@pytest.fixture
async def started(tmp_path: Path) -> AsyncIterator[tuple[Processes, Path]]:
    """A stand-in that keeps its profile, in the place of the Mac's own program."""
    root, home = tmp_path / 'my "project"', tmp_path / "home"
    root.mkdir()
    home.mkdir()
    (root / ".env").write_text("KEY=x\n")
    stand_in = tmp_path / "sandbox-exec"
    stand_in.write_text(
        f'#!/bin/sh\n[ "$1" = -p ] || exit 99\nprintf %s "$2" > {tmp_path}/profile\n'
        'shift 2\nexec "$@"\n'
    )
    stand_in.chmod(0o755)
    facts = root.stat()
    premises = Premises(
        project=root,
        identity=(facts.st_dev, facts.st_ino),
        home=home,
        scratch=tmp_path / "state" / "box",
        environment={},
        protected=frozenset({".git", ".codegen"}),
        own=(tmp_path / "state",),
        network=EVERYWHERE,
        bounds=Bounds(processes=77, memory_bytes=1 << 30),
    )
    belted = Belted(premises, str(stand_in))
    processes = Processes("seatbelt", os.environ, None, belted)
    yield processes, root
    await processes.close()


async def test_a_command_is_started_behind_its_profile_with_limits(
    started: tuple[Processes, Path],
) -> None:
    processes, root = started
    line = 'pwd; echo "$HOME $TMPDIR"; ulimit -c; ulimit -d; ulimit -u; exit 3'
    handle = os.open(root, os.O_RDONLY)
    ended = await processes.run(Command(("/bin/bash", "-c", line), handle, "call", 20))
    os.close(handle)

    state = root.parent / "state" / "box"
    folder, places, core, data, most = ended.output.head.decode().splitlines()
    assert ended.outcome == Exited(3)
    assert (folder, places) == (str(root), f"{state}/home {state}/tmp")
    assert (core, data) == ("0", str(1 << 20))
    assert int(most) > 77
    rules = Rules((root.parent / "profile").read_text())
    assert rules.writable(f"{root}/made")
    assert not rules.writable(f"{root}/.codegen/x")
    assert not rules.readable(f"{root}/.env")
    assert not rules.readable(f"{root.parent}/home/.ssh/id")
    assert rules.allow("network-outbound")


def test_it_is_found_on_a_mac_where_its_program_works(tmp_path: Path) -> None:
    assert look((), "darwin", "/bin/true").seatbelt
    for system, program, why in (
        ("linux", "/bin/true", "it is the Mac's"),
        ("darwin", str(tmp_path / "none"), "it is not there"),
        ("darwin", "/bin/false", "it does not work here: "),
    ):
        found = look((), system, program)
        assert not found.seatbelt
        assert found.why["seatbelt"] == why


def test_it_is_chosen_where_there_is_nothing_else_and_the_doctor_names_it(tmp_path: Path) -> None:
    folders = Folders(tmp_path, tmp_path, tmp_path)
    cache = folders.state / "sandbox" / "found.json"
    find(cache)
    kept = msgspec.json.decode(cache.read_bytes())
    kept["findings"] = msgspec.to_builtins(Findings(seatbelt=True))
    cache.write_bytes(msgspec.json.encode(kept))

    assert chosen(Settings(), folders) == Chosen("seatbelt")
    assert chosen(Settings(sandbox="seatbelt"), folders) == Chosen("seatbelt")
    (finding,) = sandbox_findings(Settings(), folders)
    assert finding.what.startswith("sandbox: seatbelt: commands write in the project only")
    assert "never tried" in finding.what
    with pytest.raises(UsageError, match="--sandbox bubblewrap"):
        chosen(Settings(sandbox="bubblewrap"), folders)


def test_on_a_mac_nobody_is_told_to_install_what_is_linuxs() -> None:
    assert "bubblewrap" in to_install("linux")
    assert "bubblewrap" not in to_install("darwin")
    assert "container" in to_install("darwin")
