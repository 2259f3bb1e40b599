"""`codegen undo`, `redo`, `diff` and `checkpoints` after real runs, with no maestro there."""

import subprocess

from tests.e2e.machine import Machine
from tests.executor.snapshots.world import tree_of
from tests.requirements import covers
from tests.scripted_model import ScriptedModel, call, calls, text

AUTO = ("--mode", "auto", "--no-sandbox")
FIRST = [
    calls(call("WriteFile", file_path="new/made.txt", content="made\n")),
    calls(call("Shell", command="mv src lib && rm old.txt && chmod 700 run && echo x >> lib/app")),
    calls(call("Shell", command="cat lib/app")),
    text("Done."),
]


def _project(machine: Machine) -> None:
    (machine.project / "src").mkdir()
    (machine.project / "src" / "app").write_text("one\n")
    (machine.project / "old.txt").write_text("old\n")
    (machine.project / "run").write_text("#!/bin/sh\n")
    (machine.project / "link").symlink_to("src/app")


@covers("R-UNDO-5")
async def test_a_run_is_shown_taken_back_and_done_again_offline_and_the_model_is_told(
    machine: Machine,
) -> None:
    _project(machine)
    was = tree_of(machine.project)
    script = [*FIRST, text("I see.")]
    async with ScriptedModel(script, api_key="sk-test-0000") as model:
        machine.use_model(model.base_url)
        ran = await machine.codegen(*AUTO, "change a lot")
        became = {at: now for at, now in tree_of(machine.project).items() if b".codegen" not in at}
        undone = await machine.codegen("undo")
        now = {at: here for at, here in tree_of(machine.project).items() if b".codegen" not in at}
        listed = await machine.codegen("checkpoints")
        again = await machine.codegen("redo")
        patch = await machine.codegen("diff")
        await machine.codegen(*AUTO, "-c", "what now?")
        asked = model.requests[-1].body

    assert "codegen undo takes back 5 files" in ran.err
    assert (undone.code, undone.out.splitlines()[-1]) == (
        0,
        "took back 5 files; codegen redo does it again",
    )
    assert now == was
    assert [line.split()[3:] for line in listed.out.splitlines()] == [
        ["5", "files", "undo", "of", "1,", "2"],
        ["4", "files", "Shell", *FIRST_COMMAND.split(), "(taken", "back)"],
        ["1", "file", "WriteFile", "new/made.txt", "(taken", "back)"],
    ]
    assert again.code == 0
    assert {at: x for at, x in tree_of(machine.project).items() if b".codegen" not in at} == became
    subprocess.run(
        ["git", "apply", "-R"], cwd=machine.project, input=patch.out.encode(), check=True
    )
    assert (machine.project / "src" / "app").read_text() == "one\n"
    assert "took changes of yours back" in str(asked)


FIRST_COMMAND = "mv src lib && rm old.txt && chmod 700 run && echo x >> lib/app"


async def test_what_would_overwrite_my_change_is_refused_with_its_name_and_a_way_on(
    machine: Machine,
) -> None:
    _project(machine)
    script = [calls(call("Shell", command="echo agent > old.txt")), text("Done.")]
    async with ScriptedModel(script, api_key="sk-test-0000") as model:
        machine.use_model(model.base_url)
        await machine.codegen(*AUTO, "write")
    (machine.project / "old.txt").write_text("mine\n")

    refused = await machine.codegen("undo")
    forced = await machine.codegen("undo", "--force")

    assert (refused.code, refused.err.splitlines()[0]) == (1, "old.txt: you changed it since")
    assert "--force" in refused.err
    assert (forced.code, (machine.project / "old.txt").read_text()) == (0, "old\n")


async def test_what_only_looks_keeps_nothing_and_there_is_nothing_to_undo(
    machine: Machine,
) -> None:
    _project(machine)
    script = [calls(call("Shell", command="ls -l")), text("Done.")]
    async with ScriptedModel(script, api_key="sk-test-0000") as model:
        machine.use_model(model.base_url)
        await machine.codegen(*AUTO, "look")
    undone = await machine.codegen("undo")

    assert not (machine.folder / "state" / "codegen" / "snapshots").exists()
    assert (undone.code, undone.complaint) == (
        1,
        "codegen: nothing that the agent changed stands in this project",
    )


async def test_what_a_killed_codegen_left_behind_can_be_taken_back_at_once(
    machine: Machine,
) -> None:
    _project(machine)
    async with ScriptedModel([calls(call("Shell", command="echo agent > old.txt"))]) as model:
        machine.use_model(model.base_url)
        killed = await machine.codegen(*AUTO, "write", CODEGEN_FAILPOINT="after_exit:2")

    undone = await machine.codegen("undo", "--force")

    assert killed.code in (137, -9)
    assert (undone.code, (machine.project / "old.txt").read_text()) == (0, "old\n")


PATCH = """*** Begin Patch
*** Update File: old.txt
@@
-old
+new
*** Delete File: src/app
*** End Patch"""


async def _killed_in_a_patch(machine: Machine, point: str) -> None:
    _project(machine)
    patched = calls(call("ApplyPatch", patch=PATCH))
    reading = calls(*(call("ReadFile", file_path="old.txt"), call("ReadFile", file_path="src/app")))
    async with ScriptedModel([reading, patched]) as model:
        machine.use_model(model.base_url)
        killed = await machine.codegen(*AUTO, "patch", CODEGEN_FAILPOINT=point)
    assert killed.code in (137, -9)


def _names(machine: Machine) -> set[str]:
    return {path.name for path in machine.project.iterdir()} - {".codegen"}


@covers("R-FILE-14")
async def test_a_patch_half_done_by_a_killed_codegen_is_settled_by_undo(machine: Machine) -> None:
    await _killed_in_a_patch(machine, "tmp_written:1")
    assert (machine.project / "src" / "app").exists()

    await machine.codegen("undo", "--force")

    assert (machine.project / "old.txt").read_text() == "old\n"
    assert (machine.project / "src" / "app").read_text() == "one\n"
    assert _names(machine) == {"src", "old.txt", "run", "link"}


@covers("R-FILE-14")
async def test_any_later_codegen_settles_it_and_the_killed_session_still_hears_what_became_of_it(
    machine: Machine,
) -> None:
    await _killed_in_a_patch(machine, "renamed:1")
    listed = await machine.codegen("sessions", "list")
    first = listed.out.split()[0]

    async with ScriptedModel([text("Hello.")]) as model:
        machine.use_model(model.base_url)
        await machine.codegen("--mode", "read-only", "only talk")
    assert (machine.project / "old.txt").read_text() == "new\n"
    assert _names(machine) == {"old.txt", "run", "link"}
    (machine.project / "old.txt").write_text("mine\n")
    async with ScriptedModel([text("I see.")]) as model:
        machine.use_model(model.base_url)
        resumed = await machine.codegen(*AUTO, "--resume", first, "--take-over", "and?")
        heard = str(model.requests[0].body)

    assert resumed.code == 0, resumed.err
    assert "it is done.]" in heard
    assert (machine.project / "old.txt").read_text() == "mine\n"


@covers("R-UNDO-6")
async def test_what_a_background_command_changes_is_shown_as_its_own_and_taken_back_by_force(
    machine: Machine,
) -> None:
    _project(machine)
    build = "until test -e go; do sleep 0.05; done; echo built > old.txt; sleep 60"
    script = [
        calls(call("Shell", command=build, background=True)),
        calls(call("WriteFile", file_path="go", content="")),
        calls(call("ShellOutput", shell_id="sh1", timeout_s=1)),
        text("It is built."),
    ]
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        ran = await machine.codegen(*AUTO, "build")
    listed = await machine.codegen("checkpoints")
    refused = await machine.codegen("undo")
    forced = await machine.codegen("undo", "--force")

    assert ran.code == 0, ran.err
    rows = listed.out.splitlines()
    assert rows[0].endswith("(of a background command, or yours)")
    assert rows[0].split()[3:8] == ["1", "file", "in", "the", "background:"]
    assert rows[1].split()[3:] == ["1", "file", "WriteFile", "go"]
    assert refused.err.startswith("old.txt: changed while nobody watched")
    assert forced.code == 0
    assert (machine.project / "old.txt").read_text() == "old\n"
    assert _names(machine) == {"src", "old.txt", "run", "link"}
