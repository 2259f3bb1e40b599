"""`codegen rewind` and `codegen fork`: what the model still knows afterwards."""

from tests.e2e.machine import Machine
from tests.requirements import covers
from tests.scripted_model import Recorded, ScriptedModel, call, calls, text

AUTO = ("--mode", "auto", "--no-sandbox")


WORDS = ("one", "two", "three", "go on")


def _said(request: Recorded) -> list[str]:
    """What the user said in a request, without what stands beside it."""
    texts = [each["content"].splitlines()[0] for each in request.messages if each["role"] == "user"]
    return [each for each in texts if each in WORDS]


@covers("R-BRANCH-1", "R-BRANCH-2")
async def test_a_conversation_is_taken_back_and_branched_off(machine: Machine) -> None:
    script = [text("First."), calls(call("Shell", command="true")), text("Second.")]
    async with ScriptedModel([*script, text("Third."), text("Fourth.")]) as model:
        machine.use_model(model.base_url)
        await machine.codegen("one")
        await machine.codegen(*AUTO, "-c", "two")
        shown = await machine.codegen("sessions", "show")
        origin = (await machine.codegen("sessions", "list")).out.split()[0]
        rewound = await machine.codegen("rewind", "last", "--turns", "1")
        third = await machine.codegen("-c", "three")
        forked = await machine.codegen("fork", origin[:6], "--turns", "1")
        fourth = await machine.codegen("-c", "go on")
        branch = forked.out.split()[-1]
        after = await machine.codegen("sessions", "show", branch[:8])
        requests = list(model.requests)

    assert [line for line in shown.out.splitlines() if line.startswith((">", "  ", "--"))][:2] == [
        "> one",
        "-- success (completed), row 15",
    ]
    assert "  Shell true  success" in shown.out
    assert forked.out.splitlines()[:2] == ["forked with 1 turn", "it goes on after: one"]
    assert rewound.out.splitlines()[:3] == [
        "taken back: 1 turn",
        "  > two",
        "it goes on after: one",
    ]
    assert (third.out, fourth.out) == ("Third.\n", "Fourth.\n")
    assert [_said(request) for request in requests[-2:]] == [["one", "three"], ["one", "go on"]]
    assert "-- forked from" in after.out


async def test_a_place_that_is_none_is_refused_with_what_would_be_one(machine: Machine) -> None:
    async with ScriptedModel([text("First.")]) as model:
        machine.use_model(model.base_url)
        nothing = await machine.codegen("rewind", "--turns", "1")
        await machine.codegen("one")
        neither = await machine.codegen("rewind")
        too_many = await machine.codegen("rewind", "--turns", "2")
        beyond = await machine.codegen("rewind", "--to", "9999")
        beyond_fork = await machine.codegen("fork", "--at", "9999")
        unknown = await machine.codegen("fork", "0" * 32)

    assert "there is no session of" in nothing.err
    assert "how far back? --to SEQ (codegen sessions show " in neither.err
    assert "--turns: expected 1 to 1, got 2" in too_many.err
    assert "no such session" in unknown.err
    assert "--to 9999: the last row is " in beyond.complaint
    assert "--at 9999: the last row is " in beyond_fork.complaint
    refused = (nothing, neither, too_many, beyond, beyond_fork, unknown)
    assert [ran.code for ran in refused] == [2, 2, 2, 2, 2, 6]


@covers("R-BRANCH-1")
async def test_files_go_back_with_the_conversation_when_that_is_asked_for(
    machine: Machine,
) -> None:
    script = [
        *(calls(call("WriteFile", file_path="a.txt", content="one\n")), text("First.")),
        calls(call("ReadFile", file_path="a.txt")),
        *(calls(call("WriteFile", file_path="a.txt", content="two\n")), text("Second.")),
    ]
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        await machine.codegen(*AUTO, "one")
        await machine.codegen(*AUTO, "-c", "two")
        without = await machine.codegen("rewind", "--turns", "3", "--files")
        rewound = await machine.codegen("rewind", "--turns", "1", "--files")
        content = (machine.project / "a.txt").read_text()
        again = await machine.codegen("fork", "--turns", "1", "--files")
        listed = await machine.codegen("sessions", "list")
        empty = await machine.codegen("rewind", "--turns", "1")

    assert "--turns: expected 1 to 2" in without.err
    assert listed.out.splitlines()[0].endswith("  one")
    assert "has no turn yet that could be taken back" in empty.err
    assert (rewound.code, content) == (0, "one\n")
    assert "a.txt" in rewound.out
    assert (again.code, (machine.project / "a.txt").exists()) == (0, False)


async def test_a_fork_that_can_not_be_kept_here_is_told_by_its_id_all_the_same(
    machine: Machine,
) -> None:
    async with ScriptedModel([text("First."), text("Second.")]) as model:
        machine.use_model(model.base_url)
        await machine.codegen("one")
        origin = (await machine.codegen("sessions", "list")).out.split()[0]
        journals = machine.folder / "state" / "codegen" / "sessions"
        journals.rename(journals.with_name("away"))
        journals.write_text("in the way")
        forked = await machine.codegen("fork", origin)
        journals.unlink()
        journals.with_name("away").rename(journals)
        second = await machine.codegen("--resume", forked.out.split()[-1], "two")

    assert (forked.code, forked.out.splitlines()[:2]) == (
        0,
        ["forked with 1 turn", "it goes on after: one"],
    )
    assert forked.out.splitlines()[-1].startswith("go on with: codegen --resume ")
    assert forked.err.startswith("not kept here: ")
    assert second.out.endswith("Second.\n")


@covers("R-BRANCH-1")
async def test_what_the_model_was_told_of_an_undo_is_not_shown_as_the_users_words(
    machine: Machine,
) -> None:
    script = [
        *(calls(call("WriteFile", file_path="a.txt", content="one\n")), text("First.")),
        text("Second."),
    ]
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        await machine.codegen(*AUTO, "one")
        await machine.codegen("undo")
        await machine.codegen("-c", "two")
        said = str(model.requests[-1].messages[-1]["content"])
        shown = await machine.codegen("sessions", "show")
        rewound = await machine.codegen("rewind", "--turns", "1")

    assert said.startswith("[The user took changes of yours back")
    assert said.endswith("\n\ntwo")
    assert [line for line in shown.out.splitlines() if line.startswith(">")] == ["> one", "> two"]
    assert rewound.out.startswith("taken back: 1 turn\n  > two\n")


@covers("R-BRANCH-3")
async def test_the_demonstration_is_looked_at_taken_back_and_branched_off_without_a_key(
    machine: Machine,
) -> None:
    demo = await machine.codegen("demo", "--folder", str(machine.project))
    changed = (machine.project / "till.py").read_text()
    listed = await machine.codegen("sessions", "list")
    shown = await machine.codegen("sessions", "show")
    forked = await machine.codegen("fork", "--turns", "1", "--files")
    restored = (machine.project / "till.py").read_text()
    origin = listed.out.split()[0]
    rewound = await machine.codegen("rewind", origin, "--turns", "1")
    status = await machine.codegen("maestro", "status")
    prompt = await machine.codegen("do it")
    deleted = await machine.codegen("sessions", "delete", origin)
    gone = await machine.codegen("sessions", "show", origin)

    steps = (demo, listed, shown, forked, rewound, deleted)
    assert [ran.code for ran in steps] == [0] * 6, [ran.err for ran in steps]
    assert shown.out.startswith("> ")
    assert "forked with 0 turns" in forked.out
    assert restored != changed
    assert "taken back: 1 turn\n" in rewound.out
    assert "(for sessions, rewind and fork: asks no model)" in status.out
    assert prompt.code == 2
    assert "no key of a model provider: set one of OPENAI_API_KEY" in prompt.err
    assert prompt.err.endswith("; codegen login PROVIDER keeps one\n")
    assert (gone.code, "no such session" in gone.err) == (6, True)
