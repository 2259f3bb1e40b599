"""Many turns of one session on a real terminal: the editor, the commands, steering, leaving."""

import stat
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.terminal.tmux import Terminal, needs_tmux, terminal

pytestmark = needs_tmux


@pytest.fixture
def shown(tmp_path: Path) -> Generator[Terminal]:
    command = [sys.executable, "-m", "tests.terminal.chat", str(tmp_path)]
    with terminal(command, width=90, height=40) as begun:
        begun.wait_for("\n>")
        yield begun


def say(shown: Terminal, text: str, seen: str) -> str:
    shown.type(text)
    shown.press("Enter")
    return shown.wait_for(seen)


def editor_is_back(shown: Terminal, turns: int) -> None:
    """The editor stands beneath that many ended runs."""
    shown.wait_for(
        lambda screen: (
            screen.count("codegen -c goes on") == turns and screen.rstrip().endswith("\n>")
        )
    )


def test_two_turns_of_one_session(shown: Terminal) -> None:
    say(shown, "hello", "echo: hello")
    editor_is_back(shown, 1)
    say(shown, "again", "echo: again")
    editor_is_back(shown, 2)
    shown.press("C-d")
    assert shown.wait_for_end() == 0
    assert shown.cursor_is_shown()


def test_the_history_is_the_users_own(shown: Terminal, tmp_path: Path) -> None:
    say(shown, "hello", "echo: hello")
    history = tmp_path / "state" / "history"
    assert "+hello" in history.read_text()
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


def test_a_backslash_goes_on_with_another_line(shown: Terminal) -> None:
    shown.type("one\\")
    shown.press("Enter")
    screen = say(shown, "two", "echo: one")
    assert "echo: one two" in screen


def test_commands_answer_without_the_model(shown: Terminal) -> None:
    assert "leave; codegen -c comes back" in say(shown, "/help", "/quit  ")
    say(shown, "/diff", "nothing was changed")
    say(shown, "/plan", "there is no plan")
    say(shown, "/undo", "took back 1 file")
    say(shown, "/undo --to 9", "there is no call --to 9")
    say(shown, "/redo", "did 1 file again")
    say(shown, "/checkpoints", "1  Edit a.py")
    say(shown, "/sessions", "s-0  an earlier one")
    say(shown, "/modl x", "there is no command /modl; did you mean /model?")
    say(shown, "/mode wild", "'wild' is none of read-only, ask, auto-edit, auto")
    say(shown, "/mode auto-edit", "mode: auto-edit")
    say(shown, "/model other/two", "model: other/two, from the next message on")
    say(shown, "hello", "echo: hello (other/two, auto-edit)")
    editor_is_back(shown, 1)
    say(shown, "next", "echo: next\n")
    editor_is_back(shown, 2)
    assert "       1 - old\n       1 + new" in say(shown, "/diff", "Edit a.py\n       1 - old")
    say(shown, "/cost", "$0.5000")
    assert "echo: /" not in shown.scrollback()
    say(shown, "/quit", "/quit")
    assert shown.wait_for_end() == 0


def test_what_is_typed_during_a_run_steers_it(shown: Terminal) -> None:
    say(shown, "slow", "working")
    shown.type("and now")
    shown.wait_for("\u203a and now")
    shown.press("Enter")
    screen = shown.wait_for("echo: and now")
    assert screen.count("\u203a and now") == 1
    editor_is_back(shown, 1)


def test_ctrl_c_interrupts_and_keeps_the_session_and_twice_leaves(shown: Terminal) -> None:
    say(shown, "slow", "working")
    shown.press("C-c")
    shown.wait_for("interrupted")
    shown.wait_for("Ctrl-C again leaves")
    editor_is_back(shown, 1)
    shown.press("C-c")
    assert shown.wait_for_end() == 0
    assert shown.cursor_is_shown()


def test_ctrl_c_on_a_line_only_clears_it(shown: Terminal) -> None:
    shown.type("not this")
    shown.wait_for("not this")
    shown.press("C-c")
    say(shown, "but that", "echo: but that")
    assert "echo: not this" not in shown.screen()
