"""`ShellOutput`: what a command in the background has written, and what is told of it."""

import asyncio
import re
import shutil

import pytest

from tests.executor.tools.world import World

BASH = shutil.which("bash", path="/bin:/usr/bin")
UP = "; exec sleep 60"
LOG = (
    "printf 'INFO start\\nERROR disk full\\nWARN slow\\nerror: again\\nINFO end\\n'; echo ready"
    + UP
)
NUMBERS = "seq 1 20; echo ready" + UP
ENDED = "; sleep 0.5"
"""Long enough that the command is in the background first."""


@pytest.fixture(autouse=True)
def _watched_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("executor.tools.shell.LOOK_S", 0.02)


CASES: tuple[tuple[str, dict[str, object], str], ...] = (
    ("echo a" + UP, {"wait_for": "a"}, "a\n[sh1 runs, bytes 0 to 2]"),
    ("printf 'a\\nb\\n'" + UP, {"wait_for": "^b$"}, "a\nb\n[sh1 runs, bytes 0 to 4]"),
    ("printf 'ready> '" + UP, {"wait_for": "ready>"}, "ready> \n[sh1 runs, bytes 0 to 7]"),
    ("echo x >&2" + UP, {"wait_for": "x"}, "x\n[sh1 runs, bytes 0 to 2]"),
    ("echo Ready" + UP, {"wait_for": "(?i)READY"}, "Ready\n[sh1 runs, bytes 0 to 6]"),
    ("exec sleep 60", {}, "[sh1 runs, nothing new]"),
    ("exec sleep 60", {"timeout_s": 0}, "[sh1 runs, nothing new]"),
    (
        LOG,
        {"wait_for": "ready", "filter": "ERROR"},
        "ERROR disk full\n[sh1 runs, lines that match 'ERROR' in bytes 0 to 65]",
    ),
    (
        LOG,
        {"wait_for": "ready", "filter": "(?i)error"},
        (
            "ERROR disk full\nerror: again\n"
            "[sh1 runs, lines that match '(?i)error' in bytes 0 to 65]"
        ),
    ),
    (
        LOG,
        {"wait_for": "ready", "filter": "^INFO"},
        "INFO start\nINFO end\n[sh1 runs, lines that match '^INFO' in bytes 0 to 65]",
    ),
    (
        LOG,
        {"wait_for": "ready", "filter": "WARN|full$"},
        ("ERROR disk full\nWARN slow\n[sh1 runs, lines that match 'WARN|full$' in bytes 0 to 65]"),
    ),
    (
        LOG,
        {"wait_for": "ready", "filter": "slow$"},
        "WARN slow\n[sh1 runs, lines that match 'slow$' in bytes 0 to 65]",
    ),
    (
        LOG,
        {"wait_for": "ready", "filter": "nothing"},
        "[sh1 runs, lines that match 'nothing' in bytes 0 to 65]",
    ),
    (
        LOG,
        {"wait_for": "ready", "filter": "."},
        (
            "INFO start\nERROR disk full\nWARN slow\nerror: again\nINFO end\nready\n"
            "[sh1 runs, lines that match '.' in bytes 0 to 65]"
        ),
    ),
    (
        LOG,
        {"wait_for": "ready", "filter": "^$"},
        "[sh1 runs, lines that match '^$' in bytes 0 to 65]",
    ),
    (
        NUMBERS,
        {"wait_for": "ready", "filter": "^1\\d$"},
        (
            "10\n11\n12\n13\n14\n15\n16\n17\n18\n19\n"
            "[sh1 runs, lines that match '^1\\\\d$' in bytes 0 to 57]"
        ),
    ),
    (NUMBERS, {"wait_for": "ready", "cursor": 51}, "ready\n[sh1 runs, bytes 51 to 57]"),
    (NUMBERS, {"wait_for": "ready", "cursor": 49}, "0\nready\n[sh1 runs, bytes 49 to 57]"),
    (NUMBERS, {"cursor": 5000}, "[sh1 runs, nothing new]"),
    (
        "seq 1 100000; echo ready" + UP,
        {"wait_for": "ready", "filter": "^99998$"},
        "99998\n[sh1 runs, lines that match '^99998$' in bytes 0 to 588901]",
    ),
    ("printf 'a\\r\\nb\\r\\n'" + UP, {"wait_for": "b"}, "a\r\nb\r\n[sh1 runs, bytes 0 to 6]"),
    (
        "printf '10%%\\r50%%\\r100%%\\n'" + UP,
        {"wait_for": "100%"},
        "10%\r50%\r100%\n[sh1 runs, bytes 0 to 13]",
    ),
    (
        "printf '\\033[31mred\\033[0m\\n'" + UP,
        {"wait_for": "red"},
        "\x1b[31mred\x1b[0m\n[sh1 runs, bytes 0 to 13]",
    ),
    ("printf 'gr\\374n\\n'" + UP, {"wait_for": "gr"}, "gr�n\n[sh1 runs, bytes 0 to 5]"),
    ("echo grün 日本" + UP, {"wait_for": "日本"}, "grün 日本\n[sh1 runs, bytes 0 to 13]"),
    ("echo grün" + UP, {"wait_for": "n$", "cursor": 3}, "�n\n[sh1 runs, bytes 3 to 6]"),
    (
        "printf 'a\\0b\\n'" + UP,
        {"wait_for": "b"},
        "[binary output: binary data, 4 bytes]\n[sh1 runs, bytes 0 to 4]",
    ),
    (
        "echo '{\"level\":\"error\"}'; echo '{}'" + UP,
        {"wait_for": "^\\{\\}", "filter": "error"},
        '{"level":"error"}\n[sh1 runs, lines that match \'error\' in bytes 0 to 21]',
    ),
    (
        "echo Listening on 127.0.0.1:80" + UP,
        {"wait_for": "on [\\d.]+:\\d+"},
        "Listening on 127.0.0.1:80\n[sh1 runs, bytes 0 to 26]",
    ),
    (
        "echo a; echo b" + UP,
        {"wait_for": "a\\nb", "timeout_s": 1},
        "a\nb\n[sh1 runs, no line matches 'a\\\\nb', bytes 0 to 4]",
    ),
    (
        "python3 -c 'import time; print(1); time.sleep(60)'",
        {"wait_for": "^1$"},
        "1\n[sh1 runs, bytes 0 to 2]",
    ),
    (
        "exec sleep 60",
        {"wait_for": "up", "timeout_s": 1},
        (
            "[sh1 runs, no line matches 'up', it has written nothing at all: without a pty some "
            "programs hold back what they write until it is much, nothing new]"
        ),
    ),
    ("echo done" + ENDED, {"timeout_s": 10}, "done\n[sh1: exit code 0, bytes 0 to 5]"),
    (
        "echo bad" + ENDED + "; exit 3",
        {"timeout_s": 10},
        "bad\n[sh1: exit code 3, bytes 0 to 4]",
    ),
    (
        ENDED[2:] + "; nowhere-to-be-found",
        {"timeout_s": 10},
        (
            f"{BASH}: line 1: nowhere-to-be-found: command not found\n"
            "[sh1: exit code 127, bytes 0 to 58]"
        ),
    ),
    (ENDED[2:] + "; kill -9 $$", {"timeout_s": 10}, "[sh1: ended by SIGKILL, nothing new]"),
    (ENDED[2:] + "; kill -TERM $$", {"timeout_s": 10}, "[sh1: ended by SIGTERM, nothing new]"),
    (
        "echo a" + ENDED + "; exit 1",
        {"wait_for": "never", "timeout_s": 10},
        "a\n[sh1: exit code 1, no line matches 'never', bytes 0 to 2]",
    ),
    (
        "echo a" + ENDED + "; echo b",
        {"timeout_s": 10},
        "a\nb\n[sh1: exit code 0, bytes 0 to 4]",
    ),
    (
        "echo a; echo b" + ENDED,
        {"timeout_s": 10, "filter": "b"},
        "b\n[sh1: exit code 0, lines that match 'b' in bytes 0 to 4]",
    ),
    (ENDED[2:] + "; cd src", {"timeout_s": 10}, "[sh1: exit code 0, nothing new]"),
    (
        "sleep 60 & echo left" + ENDED,
        {"timeout_s": 10},
        "left\n[sh1: exit code 0, ended what it left running (1), bytes 0 to 5]",
    ),
    ("echo x; exec >&- 2>&-" + UP, {"wait_for": "x"}, "x\n[sh1 runs, bytes 0 to 2]"),
    (
        "yes | head -c 100000; echo; echo ready" + UP,
        {"wait_for": "ready", "cursor": 99_990},
        "y\ny\ny\ny\ny\n\nready\n[sh1 runs, bytes 99990 to 100007]",
    ),
)


async def test_what_is_told_of_commands_in_the_background(world: World) -> None:
    world.file("src/f")
    slots = asyncio.Semaphore(8)

    async def told(command: str, parameters: dict[str, object]) -> str:
        async with slots:
            shell_id = await begun(world, command)
            text = await world.text(
                "ShellOutput", **{"shell_id": shell_id, "cursor": 0} | parameters
            )
            await world.text("ShellKill", shell_id=shell_id)
        return re.sub(r" (since \d+ s|after [\d.]+ s)", "", text).replace(shell_id, "sh1")

    texts = await asyncio.gather(*(told(command, given) for command, given, _ in CASES))

    for (command, given, expected), text in zip(CASES, texts, strict=True):
        assert (command, given, text) == (command, given, expected)


async def begun(world: World, command: str) -> str:
    """Start it in the background; its id."""
    text = await world.text("Shell", command=command, background=True)
    found = re.search(r" in the background as (sh\d+), ", text)
    assert found is not None, text
    return found[1]
