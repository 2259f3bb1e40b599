"""A private maestro as a real process: elected, joined, replaced, hidden, and gone when idle."""

import asyncio
import multiprocessing
import os
import signal
import stat
import tempfile
from collections.abc import Generator
from multiprocessing.queues import Queue
from pathlib import Path

import pytest

from executor.bootstrap.compose import Opening, World, composed
from executor.bootstrap.project import Project
from executor.bootstrap.server import looking_endpoint, private_endpoint
from executor.cli.rest import ask
from executor.errors import UsageError
from executor.link import endpoint
from executor.local_maestro.place import place, place_without_model
from executor.local_maestro.start import PrivateMaestro, ensure
from executor.settings import Folders, Settings
from executor.view.port import RunSummary
from tests.executor.local_maestro.running import KEY, Here, end, here, listener_pid, wait_gone
from tests.executor.session.rig import PlayedView
from tests.scripted_model import ScriptedModel, call, calls, text


@pytest.fixture
def user() -> Generator[Here]:
    with tempfile.TemporaryDirectory(prefix="cg-") as folder, here(Path(folder)) as made:
        yield made


def _answers(found: PrivateMaestro) -> bool:
    reply = ask(endpoint(f"unix:{found.socket}", found.secret), "GET", "/api/v1/sessions")
    return reply["sessions"] == []


def test_the_first_starts_it_and_the_second_joins(user: Here) -> None:
    first = user.ensure()
    second = user.ensure()
    assert (first.started, second.started) == (True, False)
    assert (first.socket, first.secret) == (second.socket, second.secret)
    assert _answers(second)


def _race(folders: Folders, environment: dict[str, str], told: "Queue[tuple[bool, int]]") -> None:
    found = ensure(place(folders, Settings(), environment), folders, Settings(), environment)
    _answers(found)
    told.put((found.started, listener_pid(found.socket)))


def test_of_eight_at_once_one_starts_it_and_all_are_served(user: Here) -> None:
    context = multiprocessing.get_context("spawn")
    told: Queue[tuple[bool, int]] = context.Queue()
    racers = [
        context.Process(target=_race, args=(user.folders, user.environment, told)) for _ in range(8)
    ]
    for racer in racers:
        racer.start()
    outcomes = [told.get(timeout=60) for _ in racers]
    for racer in racers:
        racer.join(20)
    user.pids.update(pid for _, pid in outcomes)
    assert sorted(started for started, _ in outcomes) == [False] * 7 + [True]
    assert len({pid for _, pid in outcomes}) == 1


def test_a_socket_that_nobody_listens_on_is_replaced(user: Here) -> None:
    first = user.ensure()
    end(listener_pid(first.socket), signal.SIGKILL)
    second = user.ensure()
    assert second.started
    assert second.secret != first.secret
    assert _answers(second)


def test_a_changed_key_or_model_gets_another_one(user: Here) -> None:
    first = user.ensure()
    other = user.ensure(Settings(model="openai/other"))
    user.environment["OPENAI_API_KEY"] = f"{KEY}-2"
    third = user.ensure()
    assert len({first.socket, other.socket, third.socket}) == 3


def test_it_ends_when_nobody_needs_it(user: Here) -> None:
    found = user.ensure(idle_seconds=0.2)
    wait_gone(listener_pid(found.socket))
    assert not found.socket.exists()
    assert not user.place().secret.exists()
    assert user.ensure().started


def test_what_keeps_it_from_starting_reaches_the_user_in_its_own_words(user: Here) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        user.ensure(Settings(model="nowhere/x"))
    where = user.place(Settings(model="nowhere/x"))
    assert not where.socket.exists()
    assert not where.secret.exists()


def test_what_asks_no_model_is_served_without_a_key_and_with_any_settings(user: Here) -> None:
    del user.environment["OPENAI_API_KEY"]
    looked = [
        looking_endpoint(user.folders, settings, user.environment)
        for settings in (Settings(), Settings(model="nowhere/x"), Settings(model="replay:none"))
    ]
    user.pids.add(listener_pid(place_without_model(user.folders).socket))

    assert len({one.socket for one in looked}) == 1
    assert ask(looked[0], "GET", "/api/v1/sessions") == {"sessions": []}
    with pytest.raises(UsageError, match="codegen login PROVIDER"):
        user.ensure()


def test_what_asks_no_model_joins_the_one_for_prompts_where_that_can_run(user: Here) -> None:
    looked = looking_endpoint(user.folders, Settings(), user.environment)

    assert looked.socket == user.ensure().socket


def test_its_files_are_its_users_alone(user: Here) -> None:
    found = user.ensure()
    where = user.place()
    files = (found.socket, where.secret, where.lock, user.folders.state / "maestro.log")
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600] * 4
    assert stat.S_IMODE(where.folder.stat().st_mode) == 0o700


def test_no_secret_is_in_its_arguments_its_environment_or_its_log(user: Here) -> None:
    found = user.ensure()
    pid = listener_pid(found.socket)
    seen = b"".join(Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ"))
    seen += (user.folders.state / "maestro.log").read_bytes()
    assert b"maestro" in seen
    for secret in (KEY, found.secret, "cg_synthetic"):
        assert secret.encode() not in seen


def test_it_inherits_no_descriptor_but_its_own_three(user: Here, tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "ours", os.O_CREAT | os.O_RDWR)
    os.set_inheritable(descriptor, True)
    try:
        pid = listener_pid(user.ensure().socket)
    finally:
        os.close(descriptor)
    opened = {os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")}
    assert not [target for target in opened if str(tmp_path) in target]
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert os.getsid(pid) == pid


@pytest.mark.parametrize("name", ["maestro", "fastapi", "sitecustomize", "protocol", "json"])
def test_nothing_of_the_repository_runs_in_it(
    name: str, user: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = "import pathlib; pathlib.Path(__file__).with_name('ran').touch()"
    package = tmp_path / name
    package.mkdir()
    (package / "__init__.py").write_text(evil)
    (tmp_path / f"{name}.py").write_text(evil)
    monkeypatch.chdir(tmp_path)
    user.environment |= {"PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": f"{tmp_path}/{name}.py"}
    assert _answers(user.ensure())
    assert not list(tmp_path.rglob("ran"))


async def test_a_run_goes_on_when_its_maestro_is_killed_in_the_middle(user: Here) -> None:
    project = user.folders.state.with_name("project")
    project.mkdir()
    place_of_pid = project / "pid"
    script = [calls(call("Shell", command="echo once >> log; kill -9 $(cat pid)")), text("Done.")]
    async with ScriptedModel(script, api_key=KEY) as model, asyncio.timeout(60):
        settings = Settings(
            model="openai/scripted", base_url=model.base_url, mode="auto", no_sandbox=True
        )
        reached, revive = await asyncio.to_thread(
            private_endpoint, user.folders, settings, user.environment
        )
        socket = user.place(settings).socket
        place_of_pid.write_text(str(listener_pid(socket)))
        world = World(
            Project(project, trusted=False),
            settings,
            user.folders,
            user.environment,
            reached,
            revive,
        )
        async with composed(Opening("do it"), world, PlayedView(), attended=True) as made:
            running = asyncio.create_task(made.session.run())
            over = await made.session.run_over()
            user.pids.add(listener_pid(socket))
            await made.session.close()
            await running
    assert isinstance(over, RunSummary)
    assert (over.text, over.finished.reason) == ("Done.", "completed")
    assert (project / "log").read_text() == "once\n"
    assert int(place_of_pid.read_text()) not in user.pids
