"""The terminal is left as it was found, on every way out; and the first word comes fast."""

import os
import signal
import sys
import termios
import time

import pytest

from tests.requirements import covers
from tests.terminal.pty_program import PtyProgram, on_a_pty
from tests.terminal.tmux import needs_tmux, terminal

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "TERM": "xterm-256color",
    "LANG": "C.UTF-8",
}
LOCAL_FLAGS = 3


def stage(scene: str) -> list[str]:
    return [sys.executable, "-m", "tests.terminal.stage", scene]


def is_raw(program: PtyProgram) -> bool:
    flags = program.modes()[LOCAL_FLAGS]
    assert isinstance(flags, int)
    return not flags & (termios.ICANON | termios.ECHO)


def assert_sane(program: PtyProgram, before: object) -> None:
    assert program.modes() == before
    output = program.output
    assert output.rfind(b"\x1b[?25h") > output.rfind(b"\x1b[?25l")
    assert output.rfind(b"\x1b[?7h") > output.rfind(b"\x1b[?7l")
    assert output.rfind(b"\x1b[?2004l") > output.rfind(b"\x1b[?2004h")
    assert output.rfind(b"\x1b[?2026l") > output.rfind(b"\x1b[?2026h")


@covers("R-TTY-2")
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP)],
)
def test_a_signal_leaves_the_terminal_sane(number: signal.Signals, code: int) -> None:
    with on_a_pty(stage("hang"), environment=ENVIRONMENT) as program:
        before = program.modes()
        program.read_until(b"begun")
        assert is_raw(program)
        program.process.send_signal(number)
        assert program.read_to_end() == code
        assert_sane(program, before)


def test_an_end_leaves_the_terminal_sane() -> None:
    with on_a_pty(stage("work"), environment=ENVIRONMENT) as program:
        before = program.modes()
        assert program.read_to_end() == 0
        assert_sane(program, before)


def test_ctrl_c_is_a_signal_also_while_a_question_is_open() -> None:
    with on_a_pty(stage("ask"), environment=ENVIRONMENT) as program:
        before = program.modes()
        program.read_until(b"once")
        program.write(b"\x03")
        assert program.read_to_end() == 0
        assert b"ANSWER interrupted" in program.output
        assert_sane(program, before)


@needs_tmux
def test_a_stopped_program_gives_the_terminal_back_and_takes_it_again() -> None:
    with terminal(["bash", "--norc", "--noprofile", "-i"], width=100) as shown:
        shown.type(f"{' '.join(stage('hang'))}\n")
        shown.wait_for("begun")
        assert not shown.cursor_is_shown()
        shown.press("C-z")
        shown.wait_for("Stopped")
        assert shown.cursor_is_shown()
        shown.type("clear; fg\n")
        shown.wait_for(lambda screen: "begun" in screen and "Stopped" not in screen)
        shown.press("C-c")
        shown.wait_for("ANSWER interrupted")
        shown.type("stty -a\n")
        assert "-icanon" not in shown.wait_for("icanon")
        assert shown.cursor_is_shown()


def test_a_flood_of_deltas_is_drawn_a_few_times_only() -> None:
    with on_a_pty(stage("flood"), environment=ENVIRONMENT) as program:
        began = time.monotonic()
        assert program.read_to_end() == 0
        seconds = time.monotonic() - began
    frames = program.output.count(b"\x1b[?2026h")
    assert frames <= 20 * seconds + 5
    assert program.output.count(b"word") < 200_000


def test_without_a_keyboard_nobody_is_asked() -> None:
    with on_a_pty(
        ["/bin/sh", "-c", f"{sys.executable} -m tests.terminal.stage ask </dev/null"],
        environment=ENVIRONMENT,
    ) as program:
        assert program.read_to_end() == 0
        assert b"ANSWER Declined(words='', unasked=True)" in program.output
