"""What a user sees on a real terminal, screen by screen."""

import re
import sys

import pytest

from tests.terminal.scenes import EVIL, SEQUENCES
from tests.terminal.tmux import Terminal, needs_tmux, terminal

pytestmark = needs_tmux

HEADER = "codegen \u00b7 private maestro \u00b7 scripted/one \u00b7 ask \u00b7 ~/src"


def stage(scene: str) -> list[str]:
    return [sys.executable, "-m", "tests.terminal.stage", scene]


def whole(shown: Terminal) -> list[str]:
    """Everything that was printed, once the program has ended."""
    assert shown.wait_for_end() == 0, shown.screen()
    return [line.rstrip() for line in shown.scrollback().splitlines()]


def test_a_run_reads_as_text_calls_changes_and_a_summary() -> None:
    with terminal(stage("work"), width=72, height=40) as shown:
        lines = whole(shown)
    assert "\n".join(lines).rstrip().splitlines() == [
        HEADER,
        "",
        "I'll look first.",
        "",
        " \u2022 one",
        " \u2022 two",
        "",
        "\u2713 ReadFile   src/a.py",
        "\u2713 Edit       src/a.py  +1 -1  0.2s",
        "       3   a = 1",
        "       4 - b = 1",
        "       4 + b = 2",
        "\u2713 Shell      make test  exit 2  1.2s",
        "  \u2502 one",
        "  \u2502 two",
        "  \u2502 make: *** [test] Error 1",
        "",
        "\u25cf look",
        "\u2013 mend",
        "",
        "\u2713 done",
        "  1,020 tokens \u00b7 3.0s",
        "  codegen -c goes on from here",
    ]


def test_what_goes_on_stands_at_the_bottom() -> None:
    with terminal(stage("live"), width=72, height=24) as shown:
        screen = shown.wait_for("Meanwhile")
    lines = [line.rstrip() for line in screen.rstrip().splitlines()]
    spinner = lines[-1][0]
    assert lines[:-1] == [
        HEADER,
        "",
        "Meanwhile I wri",
        "",
        f"{spinner} Shell      make",
        "  \u2502 compiling a.c",
        "  \u2502 compiling b.c",
        f"{spinner} Grep       needle in src",
        "",
        "\u25cf look",
        "\u25d0 mend",
        "\u25cb test",
    ]
    assert lines[-1].startswith(f"{spinner} writing")


def test_waiting_says_for_what_and_how_long() -> None:
    with terminal(stage("waiting")) as shown:
        shown.wait_for("waiting: rate_limited until 12:30")
        shown.wait_for("reconnecting to wss://maestro.example: no route \u00b7 12s")
        shown.wait_for("no route \u00b7 13s")


def test_an_answer_made_again_drops_the_half_that_was_live() -> None:
    with terminal(stage("again"), height=30) as shown:
        lines = whole(shown)
    text = [line for line in lines if line]
    assert text[1:-3] == [
        "The first half.",
        "the answer broke off; once more:",
        "Another beginning.",
        "And its end.",
    ]


def test_a_long_diff_says_how_much_more_there_is() -> None:
    with terminal(stage("diff"), height=60) as shown:
        lines = whole(shown)
    assert "      40 + line 39" in lines
    assert "    \u2026 20 more lines" in lines


@pytest.mark.parametrize(("width", "height"), [(20, 5), (1, 1), (40, 10), (200, 50)])
def test_every_size_holds_the_run(width: int, height: int) -> None:
    for scene in ("work", "flood"):
        with terminal(stage(scene), width=width, height=height) as shown:
            assert shown.wait_for_end() == 0


def test_a_live_region_that_is_resized_leaves_nothing_behind() -> None:
    with terminal(stage("live"), width=100, height=30) as shown:
        shown.wait_for("Meanwhile")
        shown.resize(40, 20)
        shown.wait_for(lambda screen: screen.count("Meanwhile") == 1)
        shown.resize(90, 25)
        screen = shown.wait_for(lambda screen: "ctrl-c stops" in screen)
        assert screen.count("Meanwhile") == 1
        assert screen.count("compiling b.c") == 1


def test_a_terminal_made_narrower_keeps_what_was_printed() -> None:
    with terminal(stage("printed"), width=100, height=30) as shown:
        shown.wait_for("working · 1s")
        shown.resize(40, 20)
        screen = shown.wait_for("working · 2s")
        assert "ReadFile   one.py\n" in screen
        assert shown.scrollback().count("Shell      make") == 1


def test_nothing_from_outside_drives_the_terminal() -> None:
    with terminal(stage("evil"), width=100, height=60) as shown:
        before = shown.tmux("display-message", "-p", "#{pane_title}")
        assert shown.wait_for_end() == 0
        painted = shown.scrollback(painted=True)
        seen = "".join(shown.scrollback().split())
        assert shown.tmux("display-message", "-p", "#{pane_title}") == before
        assert shown.tmux("display-message", "-p", "#{alternate_on}").strip() == "0"
    assert "\x1b]8" not in painted
    assert "http://evil.example" in seen
    for sequence in SEQUENCES[:-1]:
        for char in set(sequence):
            if not char.isprintable():
                assert char not in seen
    assert "\\x1b[2J\\x1b[H" in seen
    assert "\\u202egnp.exe" in seen
    assert "[boldred]markup[/]" in seen
    assert "&#27;[2J" in seen
    assert len(EVIL) > 100


def test_no_colour_is_used_where_none_is_wanted() -> None:
    with terminal(stage("work"), environment={"NO_COLOR": "1"}, height=40) as shown:
        assert shown.wait_for_end() == 0
        painted = shown.scrollback(painted=True)
    assert re.search(r"\x1b\[(?:3[0-7]|9[0-7])", painted) is None
    assert "\x1b[1m" in painted


def test_marks_are_ascii_where_the_character_set_is() -> None:
    environment = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    with terminal(stage("work"), environment=environment, height=40) as shown:
        lines = whole(shown)
    assert "+ ReadFile   src/a.py" in lines
    assert " * one" in lines
    assert all(line.isascii() for line in lines)


def test_a_dumb_terminal_gets_plain_lines() -> None:
    command = ["env", "TERM=dumb", *stage("work")]
    with terminal(command, height=40) as shown:
        assert shown.wait_for_end() == 0
        painted = shown.scrollback(painted=True)
    assert "\x1b" not in painted
    assert "\u2713 Shell make test  exit 2  1.2s" in painted
