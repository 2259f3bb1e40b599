"""How lines are taken apart: what the grammar adds, and that two readers of a line agree."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.policy.command_line import NotPlain, PlainCommands, Simple, take_apart
from executor.policy.grammar import parse
from executor.policy.shell_word import Unreadable, Value, read_word
from tests.executor.policy.test_harmless import HOSTILE, ORDINARY


def _commands(line: str) -> list[tuple[str, ...]]:
    taken = take_apart(line)
    assert isinstance(taken, PlainCommands), taken
    return [one.words for one in taken.commands]


@pytest.mark.parametrize(
    ("line", "commands"),
    [
        ("(cd a && ls); pwd", [("cd", "a"), ("ls",), ("pwd",)]),
        ("{ ls; pwd; }\nid # why", [("ls",), ("pwd",), ("id",)]),
        ("! grep -q x y", [("grep", "-q", "x", "y")]),
        ("if a; then b; elif c; then d; else e; fi", [("a",), ("b",), ("c",), ("d",), ("e",)]),
        ("for f in a 'b c'; do x \"$f.y\"; done", [("x", "a.y"), ("x", "b c.y")]),
        ("for f in a b; do for g in c; do x $f/${g}; done; done", [("x", "a/c"), ("x", "b/c")]),
        ("sort <a >/dev/null 2>&1", [("sort",), ("cat", "--", "a")]),
        (r"a\ b c\;d", [("a b", "c;d")]),
        (r'a "b\"c\\d\e$"', [("a", r'b"c\d\e$')]),
        ("find ! -name {} \\;", [("find", "!", "-name", "{}", ";")]),
        ("2>/dev/null ls", [("ls",)]),
        ('a "é\u2014ü 中"\n', [("a", "é\u2014ü 中")]),
        ("a é\\ b HEAD~1\\ c", [("a", "é b", "HEAD~1 c")]),
    ],
)
def test_the_grammar_reads_what_is_more_than_plain_words(
    line: str, commands: list[tuple[str, ...]]
) -> None:
    assert _commands(line) == commands


def test_words_that_the_shell_expands_and_commands_of_a_loop_are_marked() -> None:
    assert take_apart('for f in a/*.py; do wc -l "$f"; done') == PlainCommands(
        (Simple(("wc", "-l", "a/*.py"), frozenset({2}), repeated=True),)
    )


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("a & b", "it starts something in the background (&)"),
        ("a=1 b", "it sets a variable"),
        ("export a=1\\ ", "it sets a variable"),
        ("f() { a; }", "it defines a function"),
        ("while a; do b; done", "it loops until something happens"),
        ("case a in a) b;; esac", "it chooses by a pattern"),
        ("[ -f a ] && b\\ c", "it computes a condition"),
        ("a $(b)", "it runs a command within another ($)"),
        ("a `b`", "it runs a command within another (`)"),
        ("a <(b)", "it runs a command within another (<)"),
        ("a >(b)", "it runs a command within another (>)"),
        ("a <<b", "it holds a text of its own (<<)"),
        ("((a))", "it computes"),
        ("[[ a ]]", "it computes a condition"),
        ("a ${b:-c}", "it expands a variable ($)"),
        ("a $'b'", "it spells characters by number ($)"),
        ("a $b", "it expands a variable or runs a command within ($)"),
        ('a "$b"', "it expands a variable or runs a command within ($)"),
        ("a > b", "it writes to a file (>)"),
        ("a <&3", "it redirects (<)"),
        ("a < b*", "it redirects (<)"),
        ("a ~/b", "it leads to a home folder (~)"),
        ("a {b,c}", "the shell expands braces ({)"),
        ("a [b]", "the shell expands file names ([)"),
        ("a b*'c*'", "it mixes wildcards with quoted ones (*)"),
        ("a\x07", "it holds control characters"),
        ("a \\\nb", "something stands between its words"),
        ("a 'b\nc'", "it holds control characters"),
        ("a 'b'#; c", "'#' has a meaning of its own to the shell"),
        ("a\u2014b", "'\u2014' has a meaning of its own to the shell"),
        ("(a)#b", "a comment begins within a word"),
        ("for A in b; do c; done", "it loops over what is not known"),
        ("for a; do c; done", "it loops over what is not known"),
        ("for a in 'b c'; do d $a; done", "it expands a variable without quotes ($)"),
        ("for a in b/*; do d $a.c; done", "it expands a variable or runs a command within ($)"),
        ("a/* b", "it begins with more than a program's name"),
        ("# a", "it holds no command"),
        ("a |", "it is not a line that can be read with certainty"),
        ("a\\ b" * 600, "the command is very long"),
        ("a b\\ c; " * 51, "the line holds more than 50 commands"),
        ("|" * 61, "the command is very long"),
        ("a\\  b c d e f" * 60, "the line holds more than 128 words"),
        ("a " * 300, "the line holds more than 128 words"),
        ("a" * 20_000, "the command is very long"),
    ],
)
def test_what_is_not_certain_is_refused_in_words(line: str, why: str) -> None:
    assert take_apart(line) == NotPlain(why)


@pytest.mark.parametrize("word", ["'a", '"a', "\\", "a\\\n", '"`a`"', "a`"])
def test_a_word_that_is_not_whole_is_unreadable(word: str) -> None:
    with pytest.raises(Unreadable):
        read_word(word, {"f": Value("x")})


def _plain_lines() -> st.SearchStrategy[str]:
    words = st.sampled_from(
        ["a", "b/c", "-x", "--y=1", "HEAD~1", "'d e'", '"f;g"', "'$h'", "i,j", "é", "2>/dev/null",
         "''", "%k", "'>'", '"&&"', "@{1}", "!", "do", "x=y", "#", "2>&1"]
    )  # fmt: skip
    operators = st.sampled_from([" && ", " || ", "; ", " | ", ";", "|"])
    return st.lists(st.tuples(words, st.one_of(operators, st.just(" "))), min_size=1).map(
        lambda pairs: "".join(word + between for word, between in pairs)
    )


@given(line=st.sampled_from(ORDINARY + HOSTILE) | _plain_lines())
def test_the_grammar_agrees_wherever_plain_words_are_enough(line: str) -> None:
    """Two readers that share no code about structure: what one takes, the other takes alike."""
    plain = take_apart(line)
    full = parse(line)
    if isinstance(plain, PlainCommands) and isinstance(full, PlainCommands):
        assert plain == full


def test_the_parser_survives_what_its_scanner_does_not() -> None:
    """Characters beyond its tables crash it: they never get there."""
    program = (
        "import sys; from executor.policy.grammar import parse\n"
        "for code in range(0x80, 0x110000, 97):\n"
        "    if not 0xD800 <= code < 0xE000:\n"
        "        parse('{' + chr(code)); parse('{a' + chr(code) + ' \"x\"')\n"
        "parse('\\ud800'); print('whole')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "whole\n", "")


PIECES = st.sampled_from(
    ["ls", "{", "}", "(", ")", "'", '"', "\\", "~", ";", "|", "&", "<", ">", "\n", " ", "#", "!",
     "*", "?", "[", "]", "=", "$f", '"$f"', "for f in a", "; do ", " done", "if ", " then ", " fi",
     "case", "esac", "function", "2>", "/dev/null", "@(", "+(", ";;", "é", "\U000e1528"]
)  # fmt: skip


@given(line=st.lists(PIECES, max_size=40).map("".join) | st.text())
def test_any_line_is_read_or_refused(line: str) -> None:
    assert isinstance(parse(line), PlainCommands | NotPlain)
