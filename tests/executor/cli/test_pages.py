"""docs/cli.md and docs/configuration.md have every flag, command, option and setting, no other."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import typer

from executor.cli.app import app
from executor.cli.flags import COMMANDS, FLAGS
from executor.settings import NAMES
from tests.architecture.sources import ROOT

_CLI = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
_CONFIGURATION = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
_ALL = re.MULTILINE | re.DOTALL
_OPTION = r"--[a-z][a-z-]+"
_TAKES = r"((?:`\w+`(?:, | and )?)+) takes? ((?:`--[^`]+`(?:, | and )?)+)"


def _leaves(command: Any, *path: str) -> Iterator[tuple[str, set[str]]]:
    """Each command that does something by itself, and its long options."""
    inner: dict[str, Any] = getattr(command, "commands", {})
    for name, each in inner.items():
        yield from _leaves(each, *path, name)
    if not inner:
        options = (option for parameter in command.params for option in parameter.opts)
        yield " ".join(path), {option for option in options if option.startswith("--")} - {"--help"}


def _documented() -> dict[str, set[str]]:
    """Each command of the page, and the options that its rows and the sentence below them have."""
    found: dict[str, set[str]] = defaultdict(set)
    for words, more in re.findall(r"^\| `codegen (.+?)` \|(.*)$", _CLI, re.MULTILINE):
        first = words.split()[0]
        second = re.match(rf"{first} \[?([a-z]+)\b", words)
        both = f"{first} {second[1]}" if second is not None else ""
        explained = set(re.findall(r"`(--[a-z][a-z-]+)", more)) - OF_PROMPTS
        found[both if both in LEAVES else first] |= {*re.findall(_OPTION, words), *explained}
    (sentence,) = re.findall(r"^A command takes its flags behind it: (.+?)\n\n", _CLI, _ALL)
    for commands, options in re.findall(_TAKES, sentence.replace("\n", " ")):
        for name, taken in found.items():
            if f"`{name.split()[0]}`" in commands:
                taken.update(re.findall(_OPTION, options))
    return found


OF_PROMPTS = {f"--{flag.name}" for flag in FLAGS}
LEAVES = dict(_leaves(typer.main.get_command(app)))


def test_the_page_has_every_command_with_every_option_it_takes_and_no_other() -> None:
    assert {name.split()[0] for name in LEAVES} == set(COMMANDS)
    assert _documented() == LEAVES


def test_the_page_has_every_flag_of_a_prompt_as_help_spells_it() -> None:
    rows = re.findall(r"^\| (?:`-\w`, )?`--([a-z-]+)(?: ([A-Z]+))?` \|", _CLI, re.MULTILINE)

    assert rows == [(flag.name, flag.metavar or "") for flag in FLAGS]


def test_the_pages_have_every_setting_as_a_key_and_as_a_variable() -> None:
    keys = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", _CONFIGURATION, re.MULTILINE)
    variables = re.findall(r"`CODEGEN_([A-Z_]+)`", _CLI.partition("## Environment")[2])

    assert {key for row in keys for key in re.findall(r"\w+", row)} == set(NAMES)
    assert set(variables) == {name.upper() for name in NAMES}


def test_the_page_has_every_exit_code() -> None:
    codes = re.findall(r"^\| (\d+) \|", _CLI.partition("## Exit codes")[2], re.MULTILINE)

    assert codes == ["0", "1", "2", "3", "4", "5", "6", "7", "130"]
