"""What has changed between two commands, the second finds as it is: nothing is kept too long."""

import os
import stat
import threading
from pathlib import Path

import pytest

from executor.process.command import Exited
from executor.sandbox.landlocked import Landlocked
from executor.sandbox.stubs import Stubs
from tests.requirements import covers
from tests.security.sandbox.cell import CANARY, PROCESSES, Cell

THREADS = 500


async def _first(cell: Cell) -> None:
    """Twice: what the second one is spared is kept by then."""
    for _ in range(2):
        assert await cell.run("echo fine") == "fine\n"


@covers("R-SANDBOX-1")
@pytest.mark.parametrize("name", ["src/.env", "key.pem", "sub/id_rsa"])
async def test_a_secret_that_was_made_in_between_is_shut(cell: Cell, name: str) -> None:
    await _first(cell)
    (cell.root / "sub").mkdir()
    (cell.root / name).write_text(CANARY)

    assert CANARY not in await cell.run(f"cat {name}")


async def test_a_file_behind_a_secret_name_that_became_a_folder_is_shut_as_one(cell: Cell) -> None:
    (cell.root / "real").write_text(CANARY)
    (cell.root / ".env").unlink()
    (cell.root / ".env").symlink_to("real")
    await _first(cell)
    (cell.root / "real").unlink()
    (cell.root / "real").mkdir()
    (cell.root / "real" / "inner").write_text(CANARY)

    written = await cell.run("exec 2>/dev/null; cat real real/inner .env/inner; ls real; echo done")
    assert CANARY not in written
    assert written.endswith("done\n")


async def test_a_secret_that_another_one_replaced_is_shut(cell: Cell) -> None:
    await _first(cell)
    (cell.root / "fresh").write_text(CANARY)
    os.replace(cell.root / "fresh", cell.root / ".env")

    assert CANARY not in await cell.run("cat .env")


@covers("R-SANDBOX-1")
async def test_a_configuration_that_was_replaced_in_between_is_read_and_not_written(
    cell: Cell,
) -> None:
    await _first(cell)
    fresh = cell.root / ".git" / "fresh"
    fresh.write_text("[user]\n\tname = replaced\n")
    os.replace(fresh, cell.root / ".git" / "config")

    written = await cell.run(
        "exec 2>/dev/null; git config user.name; echo '[core]' >> .git/config || echo refused"
    )
    assert written.startswith("replaced\n")
    assert written.endswith("refused\n")
    assert "core" not in (cell.root / ".git" / "config").read_text()


async def test_a_protected_name_that_came_in_between_is_read_and_not_written(cell: Cell) -> None:
    await _first(cell)
    (cell.root / ".idea").mkdir()
    (cell.root / ".idea" / "workspace.xml").write_text("<mine/>\n")
    (cell.root / ".mcp.json").write_text("{}\n")

    written = await cell.run(
        "exec 2>/dev/null; cat .idea/workspace.xml .mcp.json; "
        "echo x >> .mcp.json || echo x > .idea/x || echo refused"
    )
    assert written.startswith("<mine/>\n{}\n")
    assert written.endswith("refused\n")
    assert (cell.root / ".mcp.json").read_text() == "{}\n"
    assert os.listdir(cell.root / ".idea") == ["workspace.xml"]


async def test_a_protected_name_that_went_in_between_can_not_be_made(cell: Cell) -> None:
    await _first(cell)
    (cell.root / ".vscode" / "settings.json").unlink()
    (cell.root / ".vscode").rmdir()

    await cell.run("mkdir -p .vscode; echo x > .vscode/tasks.json; echo x > .vscode")
    assert not (cell.root / ".vscode").exists()


async def test_a_project_that_was_replaced_in_between_runs_nothing(cell: Cell) -> None:
    await _first(cell)
    cell.root.rename(cell.folder / "moved")
    cell.root.mkdir()
    (cell.root / "src").mkdir()

    ended = await cell.ended("touch src/ran")
    assert ended.outcome != Exited(0)
    assert os.listdir(cell.root / "src") == []
    assert (cell.folder / "moved" / "src").is_dir()


async def test_a_place_that_another_session_holds_is_not_written_in(cell: Cell) -> None:
    kept = cell.folder / "another"
    kept.mkdir()
    other = Stubs(cell.root, {".idea": None}, kept)
    assert other.put_up() == (".idea",)
    assert stat.S_ISDIR((cell.root / ".idea").stat().st_mode)

    await cell.run(
        "echo x > .idea/x; mv .idea src/idea; rmdir .idea; mkdir .idea; echo x > .idea/x"
    )
    held = sorted(os.listdir(cell.root / ".idea")) if (cell.root / ".idea").exists() else []
    other.close()
    assert held == []
    assert not (cell.root / "src" / "idea").exists()


@pytest.mark.parametrize("kind", ["landlock"], indirect=True)
async def test_the_bound_on_processes_leaves_room_beside_the_users_threads(
    cell: Cell, tmp_path: Path
) -> None:
    made = cell.confinement
    assert isinstance(made, Landlocked)
    enough = threading.Event()
    threads = [threading.Thread(target=enough.wait) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    handle = os.open(tmp_path, os.O_RDONLY)
    try:
        async with made.around(("true",), {}, handle) as launch:
            assert launch.restrictions is not None
            assert launch.restrictions.limits["RLIMIT_NPROC"] > PROCESSES + THREADS
    finally:
        os.close(handle)
        enough.set()
        for thread in threads:
            thread.join()
