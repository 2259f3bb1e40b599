"""`ShellKill`: what runs in the background ends, whatever it is and however it hides."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from executor.process.survivors import marked
from tests.executor.process.polling import until
from tests.executor.tools.test_shell_output import begun
from tests.executor.tools.world import MARK, World

UP = "echo up; "
ENDED = "[sh1: ended by ShellKill]"
PYTHON_DAEMON = (
    "python3 -c 'import os, time\nif os.fork() == 0:\n os.setsid()\n if os.fork() == 0:\n"
    '  print("up", flush=True); time.sleep(61.25)\'; sleep 61.25'
)
IGNORING = "import signal, time; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]; "


@pytest.fixture(autouse=True)
def _watched_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("executor.tools.shell.LOOK_S", 0.02)


CASES = (
    (UP + "exec sleep 61.25", ENDED),
    (UP + "sleep 61.25", ENDED),
    (UP + "sleep 61.25; echo never", ENDED),
    (UP + "sleep 61.25 & wait", ENDED),
    (UP + "sleep 61.25 & sleep 61.25 & sleep 61.25 & wait", ENDED),
    (UP + "(sleep 61.25 &) ; sleep 61.25", ENDED),
    (UP + "(setsid sleep 61.25 &) ; sleep 61.25", ENDED),
    (UP + "setsid -f sleep 61.25; sleep 61.25", ENDED),
    (UP + "nohup sleep 61.25 >/dev/null 2>&1 & echo; wait", ENDED),
    (UP + "sleep 61.25 & disown; sleep 61.25", ENDED),
    (UP + "env -i sleep 61.25", ENDED),
    (UP + "(env -i setsid sleep 61.25 &); sleep 61.25", ENDED),
    (UP + "sleep 61.25 | cat", ENDED),
    (UP + "cat /dev/zero | wc -c > count", ENDED),
    (UP + "while true; do sleep 0.01; done", ENDED),
    (UP + "while :; do :; done", ENDED),
    (UP + "yes > /dev/null", ENDED),
    (UP + "tail -f f", ENDED),
    (UP + "mkfifo pipe; cat pipe", ENDED),
    (UP + "exec 3<>/dev/null; flock 3; sleep 61.25", ENDED),
    (UP + "kill -STOP $$", ENDED),
    (UP + "sleep 61.25 & kill -STOP $!; wait", ENDED),
    (UP + "bash -c 'bash -c \"sleep 61.25; echo\"; echo'", ENDED),
    (UP + "timeout 60 sleep 61.25", ENDED),
    (UP + "nice -n 5 sleep 61.25", ENDED),
    (UP + "exec -a innocent sleep 61.25", ENDED),
    (UP + "xargs -P 4 -n 1 sleep <<< '61.25 61.25 61.25 61.25'", ENDED),
    (UP + "coproc sleep 61.25; wait", ENDED),
    (UP + "mkdir d; cd d; rmdir ../d; sleep 61.25", ENDED),
    (UP + "exec >&- 2>&-; sleep 61.25", ENDED),
    (UP + "trap '' INT HUP QUIT; sleep 61.25 & wait", ENDED),
    (UP + "trap 'exit 0' TERM; sleep 61.25 & wait", ENDED),
    (UP + "trap 'echo bye' TERM; sleep 61.25 & wait", f"bye\n{ENDED}"),
    (UP + "trap '' TERM; sleep 61.25 & wait", ENDED),
    (f"python3 -c '{IGNORING}print(\"up\", flush=True); time.sleep(61.25)'", ENDED),
    ("python3 -uc 'import time; print(\"up\"); time.sleep(61.25)'", ENDED),
    ("python3 -um http.server --bind 127.0.0.1 0 | sed -u 's/^Serving.*/up/'", ENDED),
    (PYTHON_DAEMON, ENDED),
    ("printf up; exec sleep 61.25", ENDED),
    ("printf 'one\\ntwo\\nup\\n'; exec sleep 61.25", ENDED),
    ("echo up; sleep 0.5", "[sh1 had ended before: exit code 0]"),
    ("echo up; sleep 0.5; echo more; exit 3", "more\n[sh1 had ended before: exit code 3]"),
    ("echo up; sleep 0.5; kill -9 $$", "[sh1 had ended before: ended by SIGKILL]"),
)


async def test_nothing_of_it_is_left(world: World) -> None:
    world.file("f")
    slots = asyncio.Semaphore(8)

    async def killed(command: str, expected: str) -> str:
        async with slots:
            shell_id = await begun(world, command)
            shell = world.shells.find(shell_id)
            await until(lambda: b"up" in shell.output.head)
            if "had ended" in expected:
                await shell.wait(5)
            shell.cursor = shell.output.head.index(b"up") + 2
            told = await world.text("ShellKill", shell_id=shell_id)
        return told.replace(shell_id, "sh1").lstrip("\n")

    texts = await asyncio.gather(*(killed(*case) for case in CASES))

    assert marked(MARK) == []
    assert _named_by_its_time() == []
    for (command, expected), text in zip(CASES, texts, strict=True):
        assert (command, text) == (command, expected)


def _named_by_its_time() -> list[str]:
    """Also of those that shed the mark of their call: nothing else sleeps for so long."""
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            line = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            if "61.25" in line:
                found.append(line)
    return found
