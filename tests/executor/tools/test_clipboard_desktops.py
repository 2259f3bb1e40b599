"""`Clipboard` on real desktops by their real programs, and through real terminal multiplexers."""

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.clipboard.clipboard import TEXT_MAX, Clipboard
from tests.executor.tools.desktops import PROGRAMS, Desktop, desktop
from tests.executor.tools.test_clipboard import read_until
from tests.executor.tools.world import World
from tests.requirements import covers
from tests.terminal.tmux import needs_tmux, terminal

TEXTS = {
    "a word": "word",
    "a command": "git commit -m 'fix: $(date) `x` \\ \"q\"'",
    "a path with blanks": "/home/me/My Documents/a b.txt",
    "like an option": "--help",
    "an address": "https://example.org/?a=1&b=%20#c",
    "a diff": "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-\told\n+\tnew\n",
    "a table of tabs": "a\tb\tc\n1\t2\t3\n",
    "line ends of Windows": "one\r\ntwo\r\n",
    "a line end alone": "\n",
    "blanks around": "  x  \n\n",
    "other scripts": "grün 日本語 עברית العربية\n",
    "emoji and joiners": "👩‍👩‍👧 e\u0301 \u200b",
    "escape sequences": "\x1b[31mred\x1b[0m\x07",
    "as long as it may be": "é" * (TEXT_MAX // 2),
}


@pytest.fixture(scope="module", params=PROGRAMS)
def running(request: pytest.FixtureRequest) -> Iterator[Desktop]:
    with desktop(str(request.param)) as found:
        yield found


@pytest.fixture
def on_it(world: World, running: Desktop) -> Desktop:
    world.clipboard = Clipboard(running.environment, world.root, system="linux")
    return running


@covers("R-CLIP-1")
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_a_desktop_keeps_what_was_copied(world: World, on_it: Desktop, text: str) -> None:
    told = await world.text("Clipboard", action="write", text=text)

    assert told == f"[{len(text):,} characters to the clipboard, by {PROGRAMS[on_it.program][0]}]"
    assert await world.text("Clipboard", action="read") == text


@pytest.mark.usefixtures("on_it")
async def test_what_is_copied_next_takes_the_place(world: World) -> None:
    for text in ("first", "second"):
        await world.run("Clipboard", action="write", text=text)

    assert await world.text("Clipboard", action="read") == "second"


async def test_what_was_copied_outlives_the_session(world: World, on_it: Desktop) -> None:
    await world.run("Clipboard", action="write", text="kept")
    await world.processes.close()

    assert await Clipboard(on_it.environment, world.root, system="linux").read() == "kept"


@pytest.mark.parametrize("running", ["xclip", "wl-clipboard"], indirect=True)
async def test_a_picture_is_no_text(world: World, on_it: Desktop) -> None:
    on_it.copy_picture(b"\x89PNG\r\n\x1a\n\0")

    assert (await world.failure("Clipboard", action="read"))[0] == "not_text"


@pytest.mark.parametrize("program", PROGRAMS)
async def test_a_desktop_where_nothing_was_copied_is_told_as_empty(
    world: World, program: str
) -> None:
    with desktop(program) as fresh:
        world.clipboard = Clipboard(fresh.environment, world.root, system="linux")
        if program == "xsel":  # which does not tell nothing from a text of no characters
            assert await world.text("Clipboard", action="read") == "[the clipboard is empty]"
        else:
            assert await world.failure("Clipboard", action="read") == (
                "not_text",
                "The clipboard is empty, or holds no text.",
            )


@pytest.mark.parametrize("program", ["xclip", "xsel"])
@pytest.mark.parametrize("parameters", [{"action": "read"}, {"action": "write", "text": "x"}])
async def test_a_display_that_is_gone_is_told_in_the_programs_words(
    world: World, program: str, parameters: dict[str, str]
) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    (world.outside / program).symlink_to(shutil.which(program) or program)
    world.clipboard = Clipboard(
        {"PATH": str(world.outside), "DISPLAY": ":4242"}, world.root, system="linux"
    )

    code, words = await world.failure("Clipboard", **parameters)

    assert (code, "open display" in words) == ("clipboard", True)


COPYING = """
import asyncio, sys
from pathlib import Path
from executor.clipboard.clipboard import Clipboard
from executor.view.screen import Screen
through = {"TMUX": {"TMUX": "x"}, "STY": {"STY": "x"}}[sys.argv[1]]
clipboard = Clipboard({"SSH_TTY": "/dev/pts/9", **through}, Path("/"), Screen(1).copy, "linux")
input("ready")
asyncio.run(clipboard.write(sys.argv[2] * int(sys.argv[3])))
input("written")
"""


@covers("R-CLIP-2")
@needs_tmux
@pytest.mark.parametrize(("text", "times"), [("grün 日本 $(x)", 1), ("0123456789", 1000)])
async def test_tmux_over_ssh_takes_it_where_its_setting_lets_it(text: str, times: int) -> None:
    command = [sys.executable, "-c", COPYING, "TMUX", text, str(times)]
    with terminal(command, environment={"PYTHONPATH": os.pathsep.join(sys.path)}) as shown:
        shown.wait_for("ready")
        shown.tmux("set-option", "-s", "set-clipboard", "on")
        shown.press("Enter")
        shown.wait_for("written")

        assert shown.tmux("show-buffer") == text * times


@covers("R-CLIP-2")
@pytest.mark.skipif(shutil.which("screen") is None, reason="GNU screen is not installed")
@pytest.mark.parametrize(("text", "times"), [("grün 日本 $(x)", 1), ("0123456789", 1000)])
async def test_screen_over_ssh_hands_it_on_to_the_terminal(
    tmp_path: Path, text: str, times: int
) -> None:
    ours, theirs = os.openpty()
    (tmp_path / "s").mkdir(mode=0o700)
    program = subprocess.Popen(
        [
            *("screen", "-c", os.devnull, "-S", "clip"),
            *(sys.executable, "-c", COPYING, "STY", text, str(times)),
        ],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=tmp_path, start_new_session=True,
        env={
            "PATH": os.environ["PATH"], "TERM": "xterm", "HOME": str(tmp_path), "LANG": "C.UTF-8",
            "SCREENDIR": str(tmp_path / "s"), "PYTHONPATH": os.pathsep.join(sys.path),
        },
    )  # fmt: skip
    os.close(theirs)
    try:
        read_until(ours, b"ready")
        os.write(ours, b"\r")
        shown = read_until(ours, b"written")
    finally:
        os.write(ours, b"\r")
        program.wait(10)
        os.close(ours)

    sequence = b"\x1b]52;c;" + base64.b64encode((text * times).encode()) + b"\x07"
    assert sequence in shown
