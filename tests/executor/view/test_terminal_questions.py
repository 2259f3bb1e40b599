"""What a user is asked on a real terminal, and what their keys mean."""

import sys

import pytest

from tests.terminal.tmux import needs_tmux, terminal

pytestmark = needs_tmux


def stage(scene: str) -> list[str]:
    return [sys.executable, "-m", "tests.terminal.stage", scene]


@pytest.mark.parametrize(
    ("keys", "answer", "verdict"),
    [
        (["y"], "Approved(scope='once')", "allowed once"),
        (["s"], "Approved(scope='session')", 'allowed for this session: commands like "pytest"'),
        (["n"], "Declined(words='', unasked=False)", "declined"),
        (["Escape"], "Declined(words='', unasked=False)", "declined"),
        (["C-d"], "Declined(words='', unasked=False)", "declined"),
        (
            ["x", "Enter", "t", "n", "o", "BSpace", "Enter"],
            "Declined(words='n', unasked=False)",
            "declined: n",
        ),
        (["C-c"], "interrupted", "withdrawn"),
    ],
)
def test_one_key_answers(keys: list[str], answer: str, verdict: str) -> None:
    with terminal(stage("ask"), width=100) as shown:
        screen = shown.wait_for("[y] once")
        assert (
            "? Shell pytest -q\n  it is not known to only look\n  \u2502 pytest -q tests" in screen
        )
        for key in keys:
            shown.press(key)
        screen = shown.wait_for("ANSWER")
        assert f"\n  {verdict}\n" in screen
        assert f"ANSWER {answer}\n" in screen


def test_escape_goes_back_from_the_words_to_the_choices() -> None:
    with terminal(stage("ask"), width=100) as shown:
        shown.wait_for("[y] once")
        shown.press("t")
        shown.wait_for("enter sends it, esc goes back")
        shown.press("Escape")
        shown.wait_for("[y] once")
        shown.press("y")
        shown.wait_for("ANSWER Approved")


def test_what_was_typed_ahead_answers_nothing() -> None:
    with terminal(stage("ask"), width=100) as shown:
        shown.type("yyyy")
        shown.wait_for("? Shell pytest -q")
        shown.type("yyyy")
        shown.wait_for("[y] once")
        assert "ANSWER" not in shown.screen()
        shown.press("n")
        shown.wait_for("ANSWER Declined")


def test_what_the_model_said_before_a_question_stands_before_it() -> None:
    with terminal(stage("ask-at-once"), width=100) as shown:
        screen = shown.wait_for("[y] once")
        assert "I want to test it.\n\n? Shell pytest -q\n" in screen


def test_a_cancelled_question_is_withdrawn_and_the_next_one_asked() -> None:
    with terminal(stage("ask-twice"), width=100) as shown:
        shown.wait_for("withdrawn")
        shown.wait_for(lambda screen: "[y] once" in screen.partition("withdrawn")[2])
        shown.press("y")
        screen = shown.wait_for("ANSWER")
        assert screen.count("? Shell pytest -q") == 2
        assert screen.count("withdrawn") == 1
        assert "allowed once" in screen


def test_nothing_is_allowed_before_all_of_it_was_shown() -> None:
    with terminal(stage("ask-long"), width=60, height=24) as shown:
        screen = shown.wait_for("[space]")
        assert "[y]" not in screen
        shown.press("y")
        shown.press("Space")
        shown.wait_for("+line 30")
        shown.press("y")
        shown.press("Space")
        shown.press("Space")
        screen = shown.wait_for("[y] once")
        assert "+line 59" in screen
        assert "ANSWER" not in screen
        everything = shown.scrollback()
        assert [f"+line {n}" in everything for n in range(60)] == [True] * 60
        shown.press("y")
        shown.wait_for("ANSWER Approved")


@pytest.mark.parametrize("size", [(20, 5), (100, 30)])
def test_a_question_hides_and_obeys_nothing(size: tuple[int, int]) -> None:
    width, height = size
    with terminal(stage("ask-evil"), width=width, height=height) as shown:
        for _ in range(100):
            screen = shown.wait_for(lambda screen: "[space]" in screen or "[y]" in screen)
            if "[y]" in screen:
                break
            shown.press("Space")
            shown.wait_for(lambda now, before=screen: now != before)
        seen = "".join(shown.scrollback().replace("\u2502", "").split())
        assert "\\x1b[2J\\x1b[H" in seen
        assert "rm-rfbuild" in seen
        assert "\\u202egnp.exe" in seen
        shown.press("n")
        shown.wait_for_end()
