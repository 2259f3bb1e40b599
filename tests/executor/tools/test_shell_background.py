"""`Shell` in the background, `ShellOutput` and `ShellKill`."""

import asyncio
import re
import time

import pytest

from executor.process.survivors import marked
from protocol.from_executor import ToolError
from tests.executor.process.polling import until
from tests.executor.tools.world import MARK, World
from tests.requirements import covers

COUNTING = "for i in 1 2 3; do echo line $i; done; exec sleep 60"


@pytest.fixture(autouse=True)
def _watched_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("executor.tools.shell.LOOK_S", 0.4)


async def _begin(world: World, command: str, **more: object) -> str:
    """Start a command in the background; what the model is told."""
    return await world.text("Shell", command=command, background=True, **more)


@covers("R-SHELL-2")
async def test_a_command_for_the_background_is_told_with_its_id(world: World) -> None:
    began = time.monotonic()

    assert await _begin(world, COUNTING) == (
        "line 1\nline 2\nline 3\n[it runs in the background as sh1, "
        "ShellOutput shows what it writes and waits for it, ShellKill ends it]"
    )
    assert time.monotonic() - began < 20


async def test_one_that_fails_at_once_is_told_as_ended(world: World) -> None:
    assert await _begin(world, "echo no port; exit 1") == "no port\n[exit code 1]"


@covers("R-SHELL-2")
async def test_a_command_that_takes_long_moves_to_the_background(world: World) -> None:
    outcome = await world.run("Shell", command=COUNTING, background_after_s=1)

    assert outcome.status == "success"
    assert re.match(
        r"line 1\nline 2\nline 3\n\[still running after \d+ s in the background as sh1, ",
        outcome.text,
    )
    assert marked(MARK) != []


async def test_a_command_with_a_time_out_stays_where_it_is(world: World) -> None:
    assert (await world.run("Shell", command="sleep 60", timeout_s=1)).status == "timeout"


async def test_a_time_out_holds_in_the_background_too(world: World) -> None:
    await _begin(world, "sleep 60", timeout_s=2)

    told = await world.text("ShellOutput", shell_id="sh1", timeout_s=10)

    assert told.startswith("[sh1: stopped after its time-out of 2 s")


async def test_silence_ends_a_command(world: World) -> None:
    outcome = await world.run("Shell", command="echo x; sleep 60", silence_s=1)

    assert outcome.error == ToolError("timeout", "stopped after 1 s without output")
    assert outcome.text.startswith("x\n[stopped after 1 s without output; if it waited for input")


async def test_a_command_that_goes_on_writing_is_not_silent(world: World) -> None:
    outcome = await world.run(
        "Shell", command="for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.5; done", silence_s=3
    )

    assert outcome.metadata.exit_code == 0


async def test_reading_goes_on_where_the_last_one_ended(world: World) -> None:
    await _begin(world, "echo a; until [ -e go ]; do sleep 0.05; done; echo b; exec sleep 60")
    world.file("go")
    await world.text("ShellOutput", shell_id="sh1", wait_for="^b$")

    assert (await world.text("ShellOutput", shell_id="sh1")).startswith("[sh1 runs since ")
    again = await world.text("ShellOutput", shell_id="sh1", cursor=0)
    assert again.startswith("a\nb\n[sh1 runs since ")
    assert again.endswith(", bytes 0 to 4]")


async def test_waiting_ends_with_the_command(world: World) -> None:
    await _begin(world, "until [ -e go ]; do sleep 0.05; done; echo done; exit 3")
    waiting = asyncio.create_task(world.run("ShellOutput", shell_id="sh1", timeout_s=30))
    await asyncio.sleep(0)
    world.file("go")

    outcome = await waiting

    assert outcome.text.startswith("done\n[sh1: exit code 3 after ")
    assert outcome.metadata.exit_code == 3


async def test_waiting_for_a_line_ends_when_it_comes(world: World) -> None:
    await _begin(world, "echo starting; until [ -e go ]; do sleep 0.05; done; echo on port 80; cat")
    waiting = asyncio.create_task(
        world.text("ShellOutput", shell_id="sh1", cursor=0, wait_for=r"on port \d+", timeout_s=30)
    )
    await asyncio.sleep(0)
    world.file("go")

    assert (await waiting).startswith("starting\non port 80\n[sh1")


async def test_a_prompt_without_a_line_end_can_be_waited_for(world: World) -> None:
    await _begin(world, "printf 'ready> '; exec sleep 60")

    told = await world.text("ShellOutput", shell_id="sh1", cursor=0, wait_for="ready>")

    assert "no line matches" not in told


@pytest.mark.parametrize("command", ["echo x; exec sleep 60", "echo x; sleep 1; exit 2"])
async def test_a_line_that_does_not_come_is_told(world: World, command: str) -> None:
    await _begin(world, command)

    told = await world.text("ShellOutput", shell_id="sh1", cursor=0, wait_for="never", timeout_s=2)

    assert told.startswith("x\n[sh1")
    assert ", no line matches 'never', bytes 0 to 2]" in told


async def test_only_lines_that_match_are_shown(world: World) -> None:
    await _begin(world, "seq 1 1000; exec sleep 60")

    told = await world.text("ShellOutput", shell_id="sh1", cursor=0, filter="^99")

    assert told.startswith("99\n990\n991\n")
    assert told.endswith("lines that match '^99' in bytes 0 to 3893]")


async def test_matching_lines_come_in_parts(world: World) -> None:
    await _begin(world, "seq 1 100000; exec sleep 60")
    lines: list[str] = []
    cursor = 0
    while True:
        told = await world.text("ShellOutput", shell_id="sh1", cursor=cursor, filter="7")
        *found, facts = told.splitlines()
        lines += found
        if "reads on" not in facts:
            break
        cursor = int(facts.rpartition("cursor ")[2].split()[0])

    assert lines == [str(n) for n in range(1, 100_001) if "7" in str(n)]


@pytest.mark.parametrize("name", ["filter", "wait_for"])
async def test_a_pattern_that_is_none_is_refused(world: World, name: str) -> None:
    await _begin(world, COUNTING)

    code, words = await world.failure("ShellOutput", shell_id="sh1", cursor=0, **{name: "a(b"})

    assert code == "invalid_parameters"
    assert words.startswith("That is no regular expression: 'a(b': ")


async def test_a_pattern_that_takes_for_ever_is_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("executor.process.matches.SECONDS", 1)
    await _begin(world, f"echo {'a' * 5000}!; exec sleep 60")

    code, words = await world.failure(
        "ShellOutput", shell_id="sh1", cursor=0, filter="(a+)+$", timeout_s=0
    )

    assert (code, "takes too long" in words) == ("invalid_parameters", True)


@covers("R-SHELL-3")
async def test_the_middle_of_a_long_result_can_be_read(world: World) -> None:
    outcome = await world.run("Shell", command="seq 1 100000")
    cursor = int(outcome.text.partition("and cursor ")[2].split()[0])
    head = outcome.text.partition("\n[...")[0] + "\n"
    parts = [head]
    while (
        "reads on"
        in (told := await world.text("ShellOutput", shell_id="sh1", cursor=cursor)).rpartition(
            "\n"
        )[2]
    ):
        text, _, facts = told.rpartition("\n")
        parts.append(text)
        cursor = int(facts.partition("cursor ")[2].split()[0])
    parts.append(told.rpartition("[")[0])

    whole = "".join(parts).replace("\n", "")
    assert whole == "".join(map(str, range(1, 100_001)))


async def test_what_is_in_neither_file_nor_memory_is_told_as_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("executor.process.output.SPILL_MAX", 100_000)
    monkeypatch.setattr("executor.process.shells.BACKGROUND_TAIL_BYTES", 50_000)
    await _begin(world, "seq 1 100000; exec sleep 60")

    first = await world.text("ShellOutput", shell_id="sh1", cursor=99_990)
    last = await world.text("ShellOutput", shell_id="sh1", cursor=110_000)

    assert "bytes 99990 to 100000" in first
    assert "bytes before are no longer kept" in last


@covers("R-SHELL-2")
async def test_killing_ends_the_whole_tree(world: World) -> None:
    line = "trap '' TERM; (setsid sleep 60 &); echo up; sleep 60 & wait"
    await _begin(world, line)

    told = await world.text("ShellKill", shell_id="sh1")

    assert told == "[sh1: ended by ShellKill]"
    assert marked(MARK) == []
    assert await world.text("ShellKill", shell_id="sh1") == (
        "[sh1 had ended before: ended by ShellKill]"
    )


async def test_an_unknown_id_is_refused_with_those_there_are(world: World) -> None:
    await _begin(world, COUNTING)

    assert await world.failure("ShellOutput", shell_id="sh7") == (
        "not_found",
        "There is no shell 'sh7' (known: sh1). Run the command again with Shell if you need it.",
    )


async def test_there_are_only_so_many(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("executor.process.shells.BACKGROUND_MAX", 2)
    for _ in range(2):
        await world.text("Shell", command="sleep 60", background_after_s=1)

    code, words = await world.failure("Shell", command="sleep 60", background=True)
    stays = await world.run("Shell", command="sleep 60", background_after_s=1, timeout_s=2)

    assert code == "too_many_shells"
    assert "(sh1, sh2)" in words
    assert stays.status == "timeout"


async def test_old_output_makes_room(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("executor.process.shells.ENDED_MAX", 2)
    for _ in range(4):
        await world.text("Shell", command="seq 1 20000")

    assert (await world.failure("ShellOutput", shell_id="sh2"))[0] == "not_found"
    assert (await world.text("ShellOutput", shell_id="sh3")).startswith("1\n")
    assert len(list(world.spill.iterdir())) == 2


async def test_an_interrupt_ends_what_its_run_has_started(world: World) -> None:
    await _begin(world, "sleep 60")
    world.shells.run_over()
    await _begin(world, "sleep 60")

    world.shells.interrupted()

    ended = await world.text("ShellOutput", shell_id="sh2", timeout_s=5)
    assert ended.startswith("[sh2: ended by the user, who interrupted the run after ")
    assert (await world.text("ShellOutput", shell_id="sh1")).startswith("[sh1 runs since ")


async def test_all_of_them_end_with_the_session(world: World) -> None:
    for _ in range(3):
        await _begin(world, "trap '' TERM; (setsid sleep 60 &); sleep 60")
    began = time.monotonic()

    await world.processes.close()

    assert marked(MARK) == []
    assert time.monotonic() - began < 20


async def test_cancelling_the_call_ends_a_command_that_has_not_moved(world: World) -> None:
    task = asyncio.create_task(world.run("Shell", command="sleep 60"))
    await until(lambda: marked(MARK))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert marked(MARK) == []


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("test -t 1 && echo terminal", "terminal\n[exit code 0]"),
        ("tty | sed 's/[0-9]*$//'", "/dev/pts/\n[exit code 0]"),
        ("stty size", "24 80\n[exit code 0]"),
        ("printf '\\033[31mred\\033[0m\\n'", "red\n[exit code 0]"),
        ("printf '1%%\\r50%%\\r100%%\\n'", "100%\n[exit code 0]"),
        ("echo $TERM", "xterm\n[exit code 0]"),
        ("cat; echo end", "end\n[exit code 0]"),
        ("python3 -c 'input()' 2>&1 | tail -1", "EOFError: EOF when reading a line\n[exit code 0]"),
        ("echo err >&2; exit 4", "err\n[exit code 4]"),
        ("ls /proc/self/fd | tr '\\n' ' '", "0 1 2 3 \n[exit code 0]"),
        (
            "(setsid sleep 60 &) ; sleep 0.3; echo x",
            "x\n[exit code 0, ended what it left running (1)]",
        ),
        ("cd src", "[exit code 0, the working directory is src from here on]"),
    ],
)
async def test_a_terminal_is_there_on_request(world: World, command: str, text: str) -> None:
    world.file("src/f")

    told = await world.text("Shell", command=command, pty=True)

    assert told.replace(", about 1 s", "").replace(", about 2 s", "") == text


async def test_a_repeated_failure_reads_the_same(world: World) -> None:
    for _ in range(2):
        told = await world.text("Shell", command="sleep 1.1; echo x; exit 1")

        assert re.fullmatch(r"x\n\[exit code 1, about \d+ s\]", told)
