"""What `codegen`'s arguments mean: prompts, flags, commands, and near misses."""

import pytest

from executor.cli.flags import Command, PromptRun, parse
from executor.errors import UsageError


@pytest.mark.parametrize(
    ("arguments", "parsed"),
    [
        (["fix the bug"], PromptRun("fix the bug")),
        (["fix", "the", "bug"], PromptRun("fix the bug")),
        ([], PromptRun("")),
        (["-c", "go on"], PromptRun("go on", {"continue": True})),
        (["--model", "a/b", "hi there"], PromptRun("hi there", {"model": "a/b"})),
        (["--model=a/b", "hi there"], PromptRun("hi there", {"model": "a/b"})),
        (["hi there", "--no-sandbox"], PromptRun("hi there", {"no_sandbox": True})),
        (["--", "--model", "sessions"], PromptRun("--model sessions")),
        (["--", "demo"], PromptRun("demo")),
        (["explain", "demo"], PromptRun("explain demo")),
        (["demo"], Command("command", ("demo",))),
        (["sessions", "list", "--help"], Command("command", ("sessions", "list", "--help"))),
        (["--mode", "ask", "--", "doctor"], PromptRun("doctor", {"mode": "ask"})),
        (["--help"], Command("help")),
        (["help"], Command("help")),
        (["version"], Command("version")),
        (["help", "me"], PromptRun("help me")),
        (["--", "help"], PromptRun("help")),
        (["--version"], Command("version")),
        (["-"], PromptRun("-")),
    ],
)
def test_arguments_are_read_as_meant(arguments: list[str], parsed: PromptRun | Command) -> None:
    assert parse(arguments) == parsed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--modl", "x"], "there is no flag --modl; did you mean --model or --mode?"),
        (["--modle", "x"], "there is no flag --modle; did you mean --mode or --model?"),
        (["--tokn", "x"], "there is no flag --tokn; did you mean --token?"),
        (["--zzz"], "there is no flag --zzz; see codegen --help"),
        (["--model"], "--model needs a value: --model MODEL"),
        (["--trust=yes"], "--trust takes no value"),
        (["--mode", "ask", "doctor"], "--mode stands before doctor"),
        (["--base-url=http://x", "undo", "3"], "--base-url stands before undo"),
        (["sesions"], "did you mean codegen sessions?"),
        (["doctr"], "did you mean codegen doctor?"),
    ],
)
def test_a_near_miss_is_bad_usage_and_never_a_paid_prompt(arguments: list[str], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(arguments)
    assert words in str(caught.value)
