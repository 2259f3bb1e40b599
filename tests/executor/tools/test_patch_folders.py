"""What a patch leaves of folders: none that it has emptied, all others."""

from tests.executor.tools.world import World


async def test_a_folder_whose_last_file_goes_goes_along_and_one_that_was_empty_stays(
    world: World,
) -> None:
    world.file("old/deep/gone", "x\n")
    world.file("src/app", "one\n")
    world.file("kept/gone", "y\n")
    world.file("kept/stays", "z\n")
    (world.root / "empty").mkdir()
    for path in ("old/deep/gone", "src/app", "kept/gone"):
        await world.run("ReadFile", file_path=path)

    await world.run(
        "ApplyPatch",
        patch="*** Begin Patch\n*** Delete File: old/deep/gone\n*** Delete File: kept/gone\n"
        "*** Update File: src/app\n*** Move to: lib/app\n@@\n-one\n+two\n*** End Patch",
    )

    assert sorted(str(path.relative_to(world.root)) for path in world.root.rglob("*")) == [
        *("empty", "kept", "kept/stays", "lib", "lib/app"),
    ]
