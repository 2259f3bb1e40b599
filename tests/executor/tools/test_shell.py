"""`Shell`: what a command sees, what the model is told, and that nothing is left running."""

import asyncio
import os
import re
import time
from pathlib import Path

import pytest

from executor.process.survivors import marked
from executor.tool_context import ToolOutcome
from protocol.from_executor import ToolError
from tests.executor.process.polling import until
from tests.executor.tools.world import MARK, World


def _timeless(outcome: ToolOutcome) -> str:
    """The text without its time."""
    return re.sub(r", about \d+ s\b", "", outcome.text)


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("echo hi", "hi\n[exit code 0]"),
        ("printf hi", "hi\n[exit code 0]"),
        ("true", "[exit code 0]"),
        ("echo out; echo err >&2; exit 3", "out\nerr\n[exit code 3]"),
        ("exit 255", "[exit code 255]"),
        ("kill -SEGV $$", "[ended by SIGSEGV]"),
        ("kill -9 $$", "[ended by SIGKILL]"),
        ("cat", "[exit code 0]"),
        ("read x || echo none", "none\n[exit code 0]"),
        ("printf 'caf\\351\\n'", "caf\ufffd\n[exit code 0]"),
        ('echo "it\'s" \'a "b"\' $((1+1)) é', 'it\'s a "b" 2 é\n[exit code 0]'),
        ("[[ a == a ]] && echo bash", "bash\n[exit code 0]"),
        ("echo $TERM $CI $PAGER $GIT_PAGER", "dumb 1 cat cat\n[exit code 0]"),
        ("tty", "not a tty\n[exit code 1]"),
        ("ls /proc/self/fd | tr '\\n' ' '", "0 1 2 3 \n[exit code 0]"),
        ("sleep 0.2 & wait; echo done", "done\n[exit code 0]"),
        ("nonexistent-program 2>/dev/null", "[exit code 127]"),
        ("trap 'echo bye' EXIT; exit 4", "bye\n[exit code 4]"),
        ("ulimit -c", "0\n[exit code 0]"),
        ("printf 'a\\r\\nb\\r\\n'", "a\r\nb\r\n[exit code 0]"),
        ("printf '\\357\\273\\277bom'", "\ufeffbom\n[exit code 0]"),
        ("printf '\\342\\202'", "\ufffd\n[exit code 0]"),
        ("printf '\\033[1mx\\033[0m'", "\x1b[1mx\x1b[0m\n[exit code 0]"),
        ("echo a >&2; exit 1", "a\n[exit code 1]"),
        ("set -e; false; echo no", "[exit code 1]"),
        ("set -o pipefail; false | true", "[exit code 1]"),
        ("false | true", "[exit code 0]"),
        ("yes | head -2", "y\ny\n[exit code 0]"),
        ("cat <<EOF\n$((2*3))\nEOF", "6\n[exit code 0]"),
        ("cat <<'EOF'\n$x \"q\"\nEOF", '$x "q"\n[exit code 0]'),
        ("diff <(echo a) <(echo a) && echo same", "same\n[exit code 0]"),
        ("for i in 1 2; do echo $i; done", "1\n2\n[exit code 0]"),
        ("f() { return 7; }; f", "[exit code 7]"),
        ("echo {a,b}.txt", "a.txt b.txt\n[exit code 0]"),
        ("echo *.none", "*.none\n[exit code 0]"),
        ("mkdir -p a/b && touch a/b/c && find a -type f", "a/b/c\n[exit code 0]"),
        ("printf x > f && cat f && rm f", "x\n[exit code 0]"),
        ("echo one\necho two", "one\ntwo\n[exit code 0]"),
        ("echo 'a'\\''b'", "a'b\n[exit code 0]"),
        ("timeout 0.1 sleep 5", "[exit code 124]"),
        ("kill -TERM $$", "[ended by SIGTERM]"),
        ("exec true", "[exit code 0]"),
        ("echo x; kill -PIPE $$", "x\n[ended by SIGPIPE]"),
        ("git --version > /dev/null", "[exit code 0]"),
        ("GIT_PAGER=less; echo $GIT_PAGER", "less\n[exit code 0]"),
        ("echo $0", "/bin/bash\n[exit code 0]"),
        ("echo $#", "0\n[exit code 0]"),
        ("#!/bin/sh\necho x", "x\n[exit code 0]"),
    ],
)
async def test_a_command_that_ended_by_itself_is_told_as_it_ended(
    world: World, command: str, text: str
) -> None:
    outcome = await world.run("Shell", command=command)

    assert _timeless(outcome) == text
    assert outcome.status == "success"


async def test_facts_are_in_the_metadata(world: World) -> None:
    metadata = (await world.run("Shell", command="echo hello; exit 3")).metadata

    assert (metadata.exit_code, metadata.signal, metadata.total_bytes) == (3, None, 6)
    assert metadata.duration_ms is not None


async def test_it_runs_in_the_root_or_where_it_is_told_to(world: World) -> None:
    world.file("sub dir/f")

    assert (await world.text("Shell", command="pwd")).startswith(f"{world.root}\n")
    assert (await world.text("Shell", command="pwd", workdir="sub dir")).startswith(
        f"{world.root}/sub dir\n"
    )


@pytest.mark.parametrize(
    ("workdir", "code"),
    [("missing", "not_found"), ("f", "not_a_folder"), ("..", "outside_workspace")],
)
async def test_a_bad_folder_is_refused(world: World, workdir: str, code: str) -> None:
    world.file("f")

    assert (await world.failure("Shell", command="pwd", workdir=workdir))[0] == code


async def test_secrets_and_what_steers_programs_are_not_in_the_environment(tmp_path: Path) -> None:
    world = World(
        tmp_path,
        {
            "PATH": f".::bin:{os.environ['PATH']}",
            "HOME": "/home/user",
            "LC_ALL": "C.UTF-8",
            "OPENAI_API_KEY": "sk-test-0000",
            "MY_TOKEN": "x",
            "DB_PASSWORD": "x",
            "GIT_DIR": "/elsewhere",
            "LD_PRELOAD": "/evil.so",
            "PYTHONPATH": "/evil",
            "BASH_ENV": "/evil",
            "BASH_FUNC_ls%%": "() { echo evil; }",
            "HTTPS_PROXY": "http://user:secret@proxy",
            "UNHEARD_OF": "x",
        },
    )

    names = (await world.text("Shell", command="env | cut -d= -f1 | sort")).splitlines()[:-1]
    path = (await world.text("Shell", command="echo $PATH")).splitlines()[0]

    assert set(names) - {"PWD", "SHLVL", "_"} == {
        *("CI", "CODEGEN_CALL", "DEBIAN_FRONTEND", "GH_PAGER", "GIT_EDITOR", "GIT_OPTIONAL_LOCKS"),
        *("GIT_PAGER", "MANPAGER", "SYSTEMD_PAGER"),
        *("GIT_TERMINAL_PROMPT", "HOME", "LC_ALL", "PAGER", "PATH", "PYTHONUNBUFFERED"),
        "TERM",
    }
    assert all(entry.startswith("/") for entry in path.split(":"))
    await world.close()


async def test_no_state_is_kept_between_commands(world: World) -> None:
    await world.text("Shell", command="export PAGER=evil; cd /; alias ls=evil; f() { :; }")

    assert (await world.text("Shell", command="echo $PAGER; pwd; type f")).startswith(
        f"cat\n{world.root}\n"
    )


async def test_output_is_shown_while_the_command_runs(world: World) -> None:
    task = asyncio.create_task(world.run("Shell", command="echo first; sleep 60"))
    async with asyncio.timeout(20):
        await world.emitted.wait()

    assert world.live == [("stdout", "first\n")]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_character_split_between_two_writes_is_shown_whole(world: World) -> None:
    await world.run("Shell", command="printf '\\303'; sleep 0.1; printf '\\251\\n'")

    assert "".join(text for _, text in world.live) == "é\n"


async def test_long_output_keeps_head_and_tail_and_the_whole_in_a_private_file(
    world: World,
) -> None:
    outcome = await world.run("Shell", command="seq 1 100000")

    (spilled,) = world.spill.iterdir()
    lines = outcome.text.splitlines()
    head = outcome.text.partition("\n[...")[0]
    assert lines[0] == "1"
    assert lines[-2] == "100000"
    assert (
        f"of 588,895 bytes left out. The output is in {spilled}; "
        f"ShellOutput with shell_id sh1 and cursor {len(head)} reads on ...]"
    ) in outcome.text
    assert len(outcome.text) < 60_000
    assert outcome.metadata.truncated
    assert outcome.metadata.total_bytes == 588_895
    assert spilled.read_text() == "".join(f"{n}\n" for n in range(1, 100001))
    assert spilled.stat().st_mode & 0o777 == 0o600


async def test_binary_output_is_told_by_kind(world: World) -> None:
    text = await world.text("Shell", command="printf '\\177ELF\\0\\1'")

    assert text.startswith("[binary output: ELF binary, 6 bytes, SHA-256 ")


async def test_a_command_that_takes_too_long_is_told_with_what_it_wrote(world: World) -> None:
    outcome = await world.run("Shell", command="echo partial; sleep 60", timeout_s=1)

    assert outcome.status == "timeout"
    assert outcome.error == ToolError("timeout", "stopped after 1 s")
    assert outcome.text.startswith("partial\n[stopped after its time-out of 1 s")
    assert marked(MARK) == []


@pytest.mark.parametrize(
    "command",
    [
        "trap '' TERM INT HUP; sleep 60",
        "trap '' TERM; (trap '' TERM; sleep 60) & (trap '' TERM; sleep 60) & wait",
        "setsid --wait sleep 60",
        "setsid sh -c 'trap \"\" TERM; sleep 60' & sleep 60",
        "(setsid sh -c 'sleep 60 &' &) ; sleep 60",
        "env -i setsid sleep 60 & sleep 60",
        "nohup sleep 60 >/dev/null 2>&1 & disown; sleep 60",
        "kill -STOP $$",
    ],
)
async def test_a_time_out_ends_the_whole_tree(world: World, command: str) -> None:
    started = time.monotonic()

    outcome = await world.run("Shell", command=f"exec 9>alive; flock -s 9; {command}", timeout_s=1)

    assert outcome.status == "timeout"
    assert time.monotonic() - started < 20
    assert await _is_free(world.root / "alive")


async def _is_free(path: Path) -> bool:
    """Whether nobody holds the lock that every process of the command inherited."""
    process = await asyncio.create_subprocess_exec("flock", "-n", str(path), "true")
    return await process.wait() == 0


async def test_cancelling_ends_the_whole_tree(world: World) -> None:
    task = asyncio.create_task(
        world.run("Shell", command="exec 9>alive; flock -s 9; (setsid sleep 60 &); sleep 60")
    )
    await until(lambda: marked(MARK))
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert await _is_free(world.root / "alive")


@pytest.mark.parametrize(
    "command", ["sleep 60 & echo x", "setsid sleep 60 >/dev/null 2>&1 & echo x"]
)
async def test_what_is_left_in_the_background_is_ended_and_told(world: World, command: str) -> None:
    started = time.monotonic()

    outcome = await world.run("Shell", command=command)

    assert time.monotonic() - started < 20
    assert _timeless(outcome) == ("x\n[exit code 0, ended what it left running (1)]")
    assert marked(MARK) == []


async def test_a_nul_in_the_command_is_refused(world: World) -> None:
    assert (await world.failure("Shell", command="a\0b"))[0] == "invalid_parameters"
