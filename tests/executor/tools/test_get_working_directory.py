"""`GetWorkingDirectory` tells where the executor works."""

import platform

from tests.executor.tools.world import World


async def test_root_system_and_shell_are_told(world: World) -> None:
    lines = (await world.text("GetWorkingDirectory")).splitlines()

    assert lines[:2] == [f"root: {world.root}", f"cwd: {world.root}"]
    assert lines[2].startswith(f"os: {platform.system()} ")
    assert lines[3] in ("shell: /bin/bash", "shell: /usr/bin/bash", "shell: /bin/sh")


async def test_the_repository_that_the_project_is_a_part_of_is_named(world: World) -> None:
    (world.root.parent / ".git").mkdir()

    *_, last = (await world.text("GetWorkingDirectory")).splitlines()

    assert last == (
        f"repository: {world.root.parent}, above the root: the Git tool reaches it, git in Shell "
        "may not"
    )
