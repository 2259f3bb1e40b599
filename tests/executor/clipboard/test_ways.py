"""By which way the clipboard is reached, as a table of desktops."""

from collections.abc import Mapping

import pytest

from executor.clipboard.ways import ByProgram, ByTerminal, NoWay, Way, way_to_read, way_to_write

NO_DESKTOP = (
    "there is no desktop here (DISPLAY and WAYLAND_DISPLAY are not set), no SSH, tmux or screen"
)
X, W = {"DISPLAY": ":0"}, {"WAYLAND_DISPLAY": "wayland-0"}
SSH, TMUX = {"SSH_CONNECTION": "1.2.3.4 5 6.7.8.9 22"}, {"TMUX": "/tmp/tmux-0/default,1,0"}
STY = {"STY": "123.pts-0.host"}
XCLIP_OUT = ByProgram(("/bin/xclip", "-selection", "clipboard", "-out"))
XCLIP_IN = ByProgram(("/bin/xclip", "-selection", "clipboard", "-in"), shown_by=XCLIP_OUT.argv)
XSEL_OUT = ByProgram(("/bin/xsel", "--clipboard", "--output"))
XSEL_IN = ByProgram(("/bin/xsel", "--clipboard", "--input"), shown_by=XSEL_OUT.argv)
PASTE = ByProgram(("/bin/wl-paste", "--no-newline"))
COPY = ByProgram(("/bin/wl-copy",))
ELSEWHERE = NoWay("it is that of another machine, and a terminal is only ever written to")
NO_X11 = NoWay("neither xclip nor xsel is installed")
NO_WAYLAND = NoWay("wl-clipboard is not installed (wl-copy, wl-paste)")
NO_PASTEBOARD = NoWay("pbcopy and pbpaste are not to be found")


@pytest.mark.parametrize(
    ("environment", "system", "programs", "reading", "writing"),
    [
        ({}, "darwin", "pbcopy pbpaste", ByProgram(("/bin/pbpaste",)), ByProgram(("/bin/pbcopy",))),
        ({}, "darwin", "", NO_PASTEBOARD, NO_PASTEBOARD),
        (SSH, "darwin", "pbcopy pbpaste", ELSEWHERE, ByTerminal("terminal")),
        (TMUX, "darwin", "pbcopy pbpaste", ByProgram(("/bin/pbpaste",)),
         ByProgram(("/bin/pbcopy",))),
        (W, "linux", "wl-copy wl-paste xclip", PASTE, COPY),
        (W | X, "linux", "wl-copy wl-paste xclip", PASTE, COPY),
        (W | X, "linux", "xclip", XCLIP_OUT, XCLIP_IN),
        (W, "linux", "xclip", NO_WAYLAND, NO_WAYLAND),
        (X, "linux", "xclip xsel", XCLIP_OUT, XCLIP_IN),
        (X, "linux", "xsel", XSEL_OUT, XSEL_IN),
        (X, "linux", "wl-copy wl-paste", NO_X11, NO_X11),
        (X, "linux", "pbcopy pbpaste", NO_X11, NO_X11),
        (X | SSH, "linux", "xclip", XCLIP_OUT, XCLIP_IN),
        (X | SSH, "linux", "", NO_X11, ByTerminal("terminal")),
        (SSH, "linux", "xclip xsel wl-copy", ELSEWHERE, ByTerminal("terminal")),
        ({"SSH_TTY": "/dev/pts/1"}, "linux", "", ELSEWHERE, ByTerminal("terminal")),
        (SSH | TMUX, "linux", "", ELSEWHERE, ByTerminal("tmux")),
        (TMUX, "linux", "", ELSEWHERE, ByTerminal("tmux")),
        (STY | SSH, "linux", "", ELSEWHERE, ByTerminal("screen")),
        (STY, "linux", "xclip", ELSEWHERE, ByTerminal("screen")),
        (STY | TMUX, "linux", "", ELSEWHERE, ByTerminal("tmux")),
        ({"STY": "", "TMUX": ""}, "linux", "", NoWay(NO_DESKTOP), NoWay(NO_DESKTOP)),
        (STY | X, "linux", "xclip", XCLIP_OUT, XCLIP_IN),
        ({}, "linux", "xclip xsel wl-copy", NoWay(NO_DESKTOP), NoWay(NO_DESKTOP)),
        ({"DISPLAY": ""}, "linux", "xclip", NoWay(NO_DESKTOP), NoWay(NO_DESKTOP)),
        ({}, "freebsd14", "", NoWay(NO_DESKTOP), NoWay(NO_DESKTOP)),
        (X, "freebsd14", "xsel", XSEL_OUT, XSEL_IN),
    ],
)  # fmt: skip
def test_a_desktop_has_its_way(
    environment: Mapping[str, str], system: str, programs: str, reading: Way, writing: Way
) -> None:
    def program(name: str) -> str | None:
        return f"/bin/{name}" if name in programs.split() else None

    assert way_to_read(environment, system, program) == reading
    assert way_to_write(environment, system, program, terminal=True) == writing


def test_without_a_terminal_nothing_is_handed_to_one() -> None:
    way = way_to_write(SSH, "linux", lambda _name: None, terminal=False)

    assert isinstance(way, NoWay)
