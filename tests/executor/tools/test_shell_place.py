"""`Shell`: where a command runs, and what carries over to the next one."""

import os
from pathlib import Path

import pytest

from tests.executor.tools.world import World
from tests.requirements import covers


async def _place(world: World) -> str:
    """Where the next command runs, relative to the root."""
    first = (await world.text("Shell", command="pwd -P")).splitlines()[0]
    return os.path.relpath(first, world.root)


@covers("R-SHELL-1")
@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("cd src", "src"),
        ("cd src && ls", "src"),
        ("cd src; exit 3", "src"),
        ("cd src; false", "src"),
        ("set -e; cd src; false; cd ..", "src"),
        ("cd src/deep && cd ..", "src"),
        ("pushd src > /dev/null", "src"),
        ("cd src; cd -", "."),
        ("cd 'a b'", "a b"),
        ("cd $(echo src)", "src"),
        ('eval "cd src"', "src"),
        ("echo 'cd src' > go.sh; . ./go.sh", "src"),
        ("# a comment\ncd src", "src"),
        ("cat <<EOF\nx\nEOF\ncd src", "src"),
        ("(cd src)", "."),
        ("cd src &", "."),
        ("bash -c 'cd src'", "."),
        ("cd src | cat", "."),
        ("cd missing", "."),
        ("cd link", "src"),
        ("exec true; cd src", "."),
        ("cd src; kill -9 $$", "."),
        ("cd src; trap : EXIT", "."),
        ("echo cd src", "."),
    ],
)
async def test_the_next_command_runs_where_the_last_one_ended(
    world: World, command: str, place: str
) -> None:
    world.file("src/deep/f")
    world.file("a b/f")
    (world.root / "link").symlink_to("src")

    await world.text("Shell", command=command)

    assert await _place(world) == place


async def test_a_change_of_place_is_told_once(world: World) -> None:
    world.file("src/f")

    assert await world.text("Shell", command="cd src") == (
        "[exit code 0, the working directory is src from here on]"
    )
    assert await world.text("Shell", command="cd .") == "[exit code 0]"
    assert await world.text("Shell", command="cd ..") == (
        "[exit code 0, the working directory is . from here on]"
    )


async def test_a_place_outside_the_project_is_not_followed(world: World) -> None:
    world.file("src/f")
    await world.text("Shell", command="cd src")

    told = await world.text("Shell", command="cd /tmp; pwd")

    assert told == (
        "/tmp\n[exit code 0, the command ended outside the project: the next one runs in src again]"
    )
    assert await _place(world) == "src"


async def test_a_link_that_leads_out_is_not_followed(world: World) -> None:
    (world.root / "out").symlink_to(world.outside)

    await world.text("Shell", command="cd out")

    assert await _place(world) == "."


async def test_a_folder_of_its_own_holds_for_one_command(world: World) -> None:
    world.file("src/f")
    world.file("lib/sub/f")
    await world.text("Shell", command="cd src")

    told = await world.text("Shell", command="pwd; cd sub", workdir="lib")

    assert told == f"{world.root}/lib\n[exit code 0]"
    assert await _place(world) == "src"


async def test_a_place_that_is_gone_leads_back_to_the_root(world: World) -> None:
    world.file("build/f")
    await world.text("Shell", command="cd build")
    await world.text("Shell", command="rm -r ../build")

    told = await world.text("Shell", command="pwd")

    assert told == (
        f"{world.root}\n[exit code 0, build is gone: the shell is back in the project's root]"
    )


async def test_a_place_that_became_a_link_out_of_the_project_is_left(world: World) -> None:
    world.file("src/f")
    await world.text("Shell", command="cd src")
    (world.root / "src").rename(world.root / "moved")
    (world.root / "src").symlink_to(world.outside)

    assert await _place(world) == "."


async def test_the_working_directory_is_told_as_it_is(world: World) -> None:
    world.file("src/f")
    await world.text("Shell", command="cd src")

    assert f"\ncwd: {world.root}/src\n" in await world.text("GetWorkingDirectory")


async def test_what_a_command_says_of_its_place_is_not_believed(world: World) -> None:
    await world.text("Shell", command="cd . ; exec 3>&1; echo x")
    assert await _place(world) == "."


async def test_children_do_not_get_the_handle_that_tells_the_place(world: World) -> None:
    world.file("src/f")

    shown = await world.text("Shell", command="ls /proc/self/fd | tr '\\n' ' '; cd src")

    assert shown.startswith("0 1 2 3 \n")


async def test_a_name_that_is_no_text_can_be_worked_in(world: World) -> None:
    os.mkdir(os.fsencode(world.root) + b"/caf\xe9")

    told = await world.text("Shell", command="cd caf*; touch here")

    assert "the working directory is caf" in told
    assert (await world.text("Shell", command="ls")).startswith("here\n")


async def test_neither_the_environment_nor_functions_carry_over(
    world: World, tmp_path: Path
) -> None:
    del tmp_path
    await world.text("Shell", command="export A=1; f() { :; }; alias g=ls; set -e; umask 077")

    assert await world.text("Shell", command="echo ${A-unset}; type f g 2>&1; umask") == (
        "unset\n/bin/bash: line 1: type: f: not found\n/bin/bash: line 1: type: g: not found\n"
        f"{_umask()}\n[exit code 0]"
    )


def _umask() -> str:
    mask = os.umask(0)
    os.umask(mask)
    return f"{mask:04o}"
