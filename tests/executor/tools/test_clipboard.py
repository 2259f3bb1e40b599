"""`Clipboard`: what its programs may do to it, and a terminal that is handed a text."""

import asyncio
import base64
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from executor.clipboard.clipboard import TERMINAL_MAX, TEXT_MAX, Clipboard, Copy
from executor.clipboard.programs import ProgramFailed, read_from, write_to
from executor.errors import ToolFailure
from executor.tool_context import Prechecked
from executor.view.opening import open_view
from executor.view.port import Copying
from executor.view.screen import Screen
from tests.executor.clipboard.test_ways import NO_DESKTOP
from tests.executor.process.polling import until
from tests.executor.tools.world import BY_NAME, World
from tests.requirements import covers

XCLIP = """#!/bin/sh
echo "$@" >> {folder}/arguments
env | cut -d= -f1 | sort > {folder}/names
case "$3" in
-out) cat {folder}/held ;;
-in) cat > {folder}/held; (exec sleep 60) & echo $! > {folder}/owner ;;
esac
"""


@pytest.fixture
def desktop(world: World) -> Iterator[Path]:
    """A folder with an xclip that keeps its clipboard in a file and stays, as the real one does."""
    folder = world.outside
    put(folder / "xclip", XCLIP.format(folder=folder))
    environment = {
        "PATH": f"{folder}:/usr/bin:/bin",
        "DISPLAY": ":77",
        "OPENAI_API_KEY": "sk-secret",
        "LD_PRELOAD": "",
    }
    world.clipboard = Clipboard(environment, world.root, system="linux")
    yield folder
    owner = folder / "owner"
    if owner.exists():
        os.kill(int(owner.read_text()), signal.SIGKILL)


def put(program: Path, text: str) -> None:
    program.write_text(text)
    program.chmod(0o755)


@covers("R-CLIP-1")
@pytest.mark.parametrize(
    "text", ["one line", "two\nlines\n", "grün 日本 \U0001f600", " ", "-n", "$(x)"]
)
async def test_what_was_written_is_read(world: World, desktop: Path, text: str) -> None:
    written = await world.text("Clipboard", action="write", text=text)

    assert written == f"[{len(text):,} characters to the clipboard, by xclip]"
    assert await world.text("Clipboard", action="read") == text
    assert (desktop / "arguments").read_text().splitlines() == [
        "-selection clipboard -in",
        "-selection clipboard -out",
        "-selection clipboard -out",
    ]


async def test_a_text_that_arrives_late_is_waited_for(world: World, desktop: Path) -> None:
    late = f'printf . >> {desktop}/looks; [ "$(cat {desktop}/looks)" = ... ] || exit 1; cat'
    put(desktop / "xclip", XCLIP.replace("cat", late, 1).format(folder=desktop))

    assert await world.text("Clipboard", action="write", text="x") == (
        "[1 characters to the clipboard, by xclip]"
    )
    assert (desktop / "looks").read_text() == "..."


async def test_a_text_that_never_arrives_is_told(
    world: World, desktop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("executor.clipboard.clipboard.ARRIVED_S", 0.2)
    put(desktop / "xclip", '#!/bin/sh\n[ "$3" = -in ] || echo another\n')

    assert await world.text("Clipboard", action="write", text="x") == (
        "[1 characters to the clipboard, by xclip, which did not show it within 1 s]"
    )


async def test_whoever_holds_the_clipboard_stays_when_the_session_ends(
    world: World, desktop: Path
) -> None:
    await world.run("Clipboard", action="write", text="kept")
    await world.processes.close()

    os.kill(int((desktop / "owner").read_text()), 0)


async def test_a_program_of_the_clipboard_sees_nothing_secret(world: World, desktop: Path) -> None:
    (desktop / "held").write_text("x")
    await world.run("Clipboard", action="read")

    names = set((desktop / "names").read_text().split()) - {"PWD", "SHLVL", "_", "OLDPWD"}
    assert names == {"DISPLAY", "PATH"}


async def test_a_program_of_the_project_is_not_run(world: World) -> None:
    put(world.file("bin/xclip"), "#!/bin/sh\necho evil\n")
    environment = {"PATH": f"{world.root / 'bin'}:bin:.", "DISPLAY": ":77"}
    world.clipboard = Clipboard(environment, world.root, system="linux")

    assert await world.failure("Clipboard", action="read") == (
        "no_clipboard",
        "The clipboard can't be read: neither xclip nor xsel is installed.",
    )


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n", ("not_text", "The clipboard holds no text.")),
        (b"a\0b", ("not_text", "The clipboard holds no text.")),
        (b"x" * (TEXT_MAX + 1), ("too_large", "The clipboard holds more than 100,000 bytes.")),
    ],
)
async def test_what_is_no_bounded_text_is_not_read(
    world: World, desktop: Path, held: bytes, expected: tuple[str, str]
) -> None:
    (desktop / "held").write_bytes(held)

    assert await world.failure("Clipboard", action="read") == expected


async def test_an_endless_clipboard_is_read_no_further_than_its_bound(
    world: World, desktop: Path
) -> None:
    put(desktop / "xclip", "#!/bin/sh\nexec yes\n")

    assert (await world.failure("Clipboard", action="read"))[0] == "too_large"


async def test_an_empty_clipboard_says_so(world: World, desktop: Path) -> None:
    (desktop / "held").write_bytes(b"")

    assert await world.text("Clipboard", action="read") == "[the clipboard is empty]"


async def test_a_program_that_fails_is_told_in_its_words(world: World, desktop: Path) -> None:
    put(desktop / "xclip", '#!/bin/sh\necho "Error: Can\'t open display: $DISPLAY" >&2\nexit 1\n')

    for parameters in ({"action": "read"}, {"action": "write", "text": "x"}):
        assert await world.failure("Clipboard", **parameters) == (
            "clipboard",
            f"{desktop}/xclip ended with exit code 1: Error: Can't open display: :77.",
        )


@pytest.mark.parametrize("deed", ["read", "write"])
async def test_a_program_that_hangs_is_ended(world: World, desktop: Path, deed: str) -> None:
    put(desktop / "xclip", f"#!/bin/sh\necho $$ > {desktop}/pid\nexec sleep 60\n")
    argv = (f"{desktop}/xclip",)
    del world

    deeds = {
        "read": lambda: read_from(argv, os.environ, 10, seconds=0.3),
        "write": lambda: write_to(argv, os.environ, b"x", seconds=0.3),
    }
    with pytest.raises(ProgramFailed, match=r"within 0\.3 s"):
        await deeds[deed]()

    with pytest.raises(ProcessLookupError):
        os.kill(int((desktop / "pid").read_text()), 0)


async def test_a_cancelled_call_ends_its_program(world: World, desktop: Path) -> None:
    put(desktop / "xclip", f"#!/bin/sh\necho $$ > {desktop}/pid\nexec sleep 60\n")
    call = asyncio.create_task(world.run("Clipboard", action="read"))
    await until(lambda: (desktop / "pid").exists() and (desktop / "pid").read_text() != "")
    call.cancel()
    await asyncio.wait([call])

    with pytest.raises(ProcessLookupError):
        os.kill(int((desktop / "pid").read_text()), 0)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"action": "write"}, "'write' needs a 'text' that is not empty."),
        ({"action": "write", "text": ""}, "'write' needs a 'text' that is not empty."),
        ({"action": "read", "text": "x"}, "'read' takes no 'text'."),
        ({"action": "write", "text": "a\0b"}, "The text holds a NUL character."),
    ],
)
async def test_parameters_that_make_no_sense_are_refused_before_anybody_is_asked(
    world: World, desktop: Path, parameters: dict[str, str], words: str
) -> None:
    tool = BY_NAME["Clipboard"]
    given = msgspec.convert(parameters, tool.contract.parameters)
    assert isinstance(tool, Prechecked)

    with pytest.raises(ToolFailure, match=words):
        await tool.check(given, world.context())
    assert await world.failure("Clipboard", **parameters) == ("invalid_parameters", words)
    assert not (desktop / "arguments").exists()


def over_ssh(world: World, copy: Copy | None, **more: str) -> Clipboard:
    environment = {"PATH": "/nowhere", "SSH_CONNECTION": "1 2 3 4", **more}
    return Clipboard(environment, world.root, copy, system="linux")


@covers("R-CLIP-2")
@pytest.mark.parametrize("text", ["hi", "grün\n", "x" * TERMINAL_MAX, "\x1b]52;c;evil\x07"])
async def test_over_ssh_the_terminal_is_handed_the_text(world: World, text: str) -> None:
    ours, theirs = os.openpty()
    reading = asyncio.get_running_loop().run_in_executor(None, read_until, ours, b"\x07")
    world.clipboard = over_ssh(world, Screen(theirs).copy)
    told = await world.text("Clipboard", action="write", text=text)
    async with asyncio.timeout(20):
        written = await reading
    os.close(ours)
    os.close(theirs)

    assert written == b"\x1b]52;c;" + base64.b64encode(text.encode()) + b"\x07"
    assert told == (
        f"[{len(text):,} characters to the clipboard, handed to the terminal (OSC 52), "
        "which may take it or not]"
    )


@covers("R-CLIP-2")
async def test_tmux_is_handed_it_in_both_ways_that_it_knows(world: World) -> None:
    ours, theirs = os.openpty()
    world.clipboard = over_ssh(world, Screen(theirs).copy, TMUX="/tmp/tmux-0/default,1,0")
    told = await world.text("Clipboard", action="write", text="hi")
    written = read_until(ours, b"\x1b\\")
    os.close(ours)
    os.close(theirs)

    assert written == b"\x1b]52;c;aGk=\x07\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\"
    assert "tmux needs set-clipboard or allow-passthrough on" in told


async def test_the_view_of_a_terminal_can_hand_it_over_and_others_can_not(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as terminal, (tmp_path / "out").open("w") as file:
        environment = {"TERM": "xterm"}
        shown = open_view(
            "text", stdin=terminal, stdout=terminal, stderr=terminal, environment=environment
        )
        plain = open_view("text", stdin=file, stdout=file, stderr=file, environment=environment)

        assert isinstance(shown, Copying)
        assert shown.copy("hi", "terminal")
        assert read_until(ours, b"\x07") == b"\x1b]52;c;aGk=\x07"
        assert not isinstance(plain, Copying)
    os.close(ours)


def read_until(descriptor: int, end: bytes) -> bytes:
    content = b""
    while not content.endswith(end):
        content += os.read(descriptor, 65536)
    return content


async def test_a_text_that_no_terminal_takes_is_refused(world: World) -> None:
    world.clipboard = over_ssh(world, lambda _text, _through: True)

    assert await world.failure("Clipboard", action="write", text="x" * (TERMINAL_MAX + 1)) == (
        "too_large",
        "A terminal takes 74,994 bytes at most.",
    )


def not_now(_text: str, _through: object) -> bool:
    return False


@pytest.mark.parametrize("copy", [None, not_now])
async def test_without_a_terminal_that_takes_it_there_is_a_clear_refusal(
    world: World, copy: Copy | None
) -> None:
    world.clipboard = over_ssh(world, copy)

    code, message = await world.failure("Clipboard", action="write", text="x")

    assert code == "no_clipboard"
    assert "can't be written" in message or "takes nothing at the moment" in message


async def test_elsewhere_there_is_a_clear_refusal(world: World) -> None:
    assert await world.failure("Clipboard", action="read") == (
        "no_clipboard",
        f"The clipboard can't be read: {NO_DESKTOP}.",
    )
