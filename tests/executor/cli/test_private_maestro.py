"""`codegen maestro status|stop`: what runs is told, and what is stopped is gone."""

from collections.abc import Generator
from pathlib import Path

import pytest

from protocol.version import RELEASE
from tests.e2e.processes import is_alive
from tests.executor.cli.program import User, user
from tests.executor.local_maestro.running import listener_pid
from tests.requirements import covers

KEY = "sk-test-0000"


@pytest.fixture
def ada() -> Generator[User]:
    with user() as made:
        made.environment["OPENAI_API_KEY"] = KEY
        yield made


def _sockets(ada: User) -> list[Path]:
    return sorted((ada.home / "r" / "codegen").glob("*.sock"))


def test_without_one_the_status_says_so_and_nothing_is_started(ada: User) -> None:
    told = ada.codegen("maestro", "status")

    assert (told.code, told.err) == (1, "")
    assert told.out == "no private maestro runs; the next prompt starts one\n"
    assert ada.codegen("maestro", "stop").out == "none of this configuration runs\n"
    assert _sockets(ada) == []


@covers("R-PERF-2")
def test_the_status_tells_who_runs_and_stop_ends_it(ada: User) -> None:
    ada.codegen("doctor")
    (path,) = _sockets(ada)
    pid = listener_pid(path)

    told = ada.codegen("maestro", "status")

    assert told.code == 0
    lines = dict(line.split(maxsplit=1) for line in told.out.splitlines() if line)
    assert lines["configuration"] == f"{path.stem} (a prompt typed here joins it)"
    assert (lines["version"], lines["pid"], lines["socket"]) == (RELEASE, str(pid), str(path))
    assert lines["state"].startswith("idle for ")
    assert lines["state"].endswith(" s, ends after 300")
    assert lines["memory"].endswith(" MB")
    assert KEY not in told.out

    assert ada.codegen("maestro", "stop").out == f"stopped {path.stem} (pid {pid})\n"
    assert not is_alive(pid)
    assert _sockets(ada) == []


@covers("R-PERF-2")
def test_stop_leaves_other_configurations_alone_unless_all_are_meant(ada: User) -> None:
    ada.codegen("doctor")
    ada.environment["OPENAI_API_KEY"] = f"{KEY}-2"
    ada.codegen("doctor")
    assert len(_sockets(ada)) == 2

    ada.codegen("maestro", "stop")
    (other,) = _sockets(ada)
    pid = listener_pid(other)
    assert "a prompt typed here" not in ada.codegen("maestro", "status").out

    ada.codegen("maestro", "stop", "--all")
    assert _sockets(ada) == []
    assert not is_alive(pid)


@covers("R-BRANCH-3")
def test_the_one_that_asks_no_model_is_told_apart_and_stopped_too(ada: User) -> None:
    del ada.environment["OPENAI_API_KEY"]
    unknown = ada.codegen("fork", "0" * 32)
    (path,) = _sockets(ada)
    told = ada.codegen("maestro", "status").out
    pid = listener_pid(path)
    stopped = ada.codegen("maestro", "stop").out

    assert (unknown.code, "no such session" in unknown.err) == (6, True)
    assert f"{path.stem} (for sessions, rewind and fork: asks no model)" in told
    assert stopped == f"stopped {path.stem} (pid {pid})\n"
    assert not is_alive(pid)
