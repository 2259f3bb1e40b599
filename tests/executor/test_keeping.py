"""The processes that keep commands beyond a session: started, refused, killed."""

import os
import signal
from collections.abc import Generator
from pathlib import Path

import msgspec
import pytest

from executor.bootstrap.keeper import settings_of
from executor.bootstrap.keeping import CONFINING, Keepers
from executor.errors import ToolFailure
from executor.process.command import Command, Exited, Lost
from executor.process.outliving import LIVE_MAX, all_kept, ask_to_end, hold, is_alive, listed
from executor.settings import Folders, Settings
from tests.e2e.processes import is_alive as runs
from tests.e2e.processes import until
from tests.executor.process.test_outliving import kept_in
from tests.requirements import covers


@pytest.fixture
def keepers(tmp_path: Path) -> Generator[Keepers]:
    project = tmp_path / "project"
    project.mkdir()
    folders = Folders(tmp_path / "config", tmp_path / "state", tmp_path / "run")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    yield Keepers(Settings(no_sandbox=True), folders, project, environment, "j")
    for kept in listed(folders.state):
        ask_to_end(all_kept(folders.state) / kept.key)


def _command(line: str) -> Command:
    return Command(argv=("/bin/sh", "-c", line), folder=-1, call="t1", timeout_s=60)


@covers("R-SHELL-5")
async def test_what_ends_at_once_is_told_with_its_output(keepers: Keepers) -> None:
    kept = await keepers.start("sh1", "line", _command("echo here; pwd; exit 3"), ".")
    ended = await kept.ended

    assert ended.outcome == Exited(3)
    assert ended.output.head.decode() == f"here\n{keepers.project}\n"
    assert [one.command for one in listed(keepers.folders.state)] == ["line"]


def test_a_keeper_confines_by_the_very_settings_of_its_session() -> None:
    settings = Settings(sandbox="landlock", network=("all",), allow=("Read(.env)",), deny=("Git",))
    told = {name: getattr(settings, name) for name in CONFINING}

    assert settings_of(msgspec.json.decode(msgspec.json.encode(told))) == settings


async def test_one_that_can_not_be_started_leaves_nothing(keepers: Keepers) -> None:
    with pytest.raises(ToolFailure) as nowhere:
        await keepers.start("sh1", "line", _command("true"), "nowhere")

    assert nowhere.value.code == "not_found"
    assert os.listdir(all_kept(keepers.folders.state)) == []


async def test_with_its_keeper_a_command_ends_and_that_is_told(keepers: Keepers) -> None:
    kept = await keepers.start("sh1", "line", _command("echo $$; exec sleep 60"), ".")
    await until(lambda: kept.output.snapshot().total_bytes > 0, "it has written")
    pid = int(kept.output.snapshot().head)
    os.kill(kept.kept.pid, signal.SIGKILL)
    ended = await kept.ended
    await until(lambda: not runs(pid), "the warden ends it")

    assert ended.outcome == Lost()


async def test_no_more_are_kept_than_a_machine_bears(keepers: Keepers) -> None:
    state = keepers.folders.state
    held = [kept_in(state) for _ in range(LIVE_MAX)]
    handles = [hold(folder) for folder in held]
    with pytest.raises(ToolFailure) as full:
        await keepers.start("sh1", "line", _command("true"), ".")
    assert all(map(is_alive, held))
    for handle in handles:
        os.close(handle)

    assert full.value.code == "too_many_shells"
