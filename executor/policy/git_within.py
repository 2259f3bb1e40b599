"""The git commands that a call holds, where each would run, and which the user's rules name.

For the question what they would throw away; permits and refuses nothing. What can't be taken apart
is read roughly: it errs towards finding one.
"""

import posixpath
from collections.abc import Iterator, Sequence

from executor.errors import OutsideWorkspace
from executor.policy.call import PlannedCall
from executor.policy.decide import PolicyState
from executor.policy.documents import without_documents
from executor.policy.facts import Facts, facts_of
from executor.policy.git_commands import forces, git_effect
from executor.policy.ground import Ground
from executor.policy.off_limits import OffLimits
from executor.policy.readings import behind_git, readings, rough_commands
from executor.policy.rules import COMMAND_TOOLS, Rule
from executor.process.git_foretelling import GitCommand

_OPTIONS_WITH_A_FOLDER = ("-C", "--work-tree")
_OPTIONS_WITH_A_VALUE = (
    *_OPTIONS_WITH_A_FOLDER,
    *("-c", "--git-dir", "--namespace", "--exec-path", "--config-env"),
)


def git_within(call: PlannedCall, state: PolicyState, ground: Ground) -> tuple[GitCommand, ...]:
    """In their order; for a tool of the user's own, and for all but Shell and Git, none."""
    if call.custom or call.tool_name not in COMMAND_TOOLS:
        return ()
    rules = state.rules.allow
    if call.tool_name == "Git":
        return (_named(tuple(call.parameters.args), ".", rules),)
    if "git" not in call.parameters.command:
        return ()
    try:
        facts = facts_of(call, ground, OffLimits(), trusted=True)
    except OutsideWorkspace:
        return ()  # it is denied
    where = _Where(ground, call.parameters.workdir or "")
    found: dict[GitCommand, None] = {}
    for words in _commands(facts):
        if words[0] == "cd" and len(words) > 1:
            where.enter(words[1])
        for arguments in behind_git(words):
            folder, args = _behind_options(arguments)
            if args:
                found[_named(args, where.at(folder) or ".", rules)] = None
    return tuple(found)


def _commands(facts: Facts) -> Iterator[tuple[str, ...]]:
    """Every simple command, as far as the line can be taken apart; its parts where it can't."""
    for judged in facts.judged:
        for one in judged.all:
            if not one.inner:
                yield one.command.words
    if facts.line:
        yield from rough_commands(without_documents(facts.line))


class _Where:
    """The folder that the next command of a line runs in, if each `cd` before it has worked."""

    def __init__(self, ground: Ground, start: str) -> None:
        self._ground = ground
        self._folder = start

    def enter(self, folder: str) -> None:
        self._folder = self.at(folder)

    def at(self, folder: str) -> str:
        """`folder`, seen from there; where there is none, the command stays where it is."""
        path = posixpath.join(self._folder, folder) if folder else self._folder
        try:
            return path if self._ground.resolve(path).kind == "folder" else self._folder
        except OutsideWorkspace:
            return path


def _behind_options(arguments: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The folder that git is told to work in, and what stands behind its own options."""
    folder, rest = "", list(arguments)
    while rest and rest[0].startswith("-"):
        option, equals, value = rest.pop(0).partition("=")
        if not equals and option in _OPTIONS_WITH_A_VALUE:
            value = rest.pop(0) if rest else ""
        if option in _OPTIONS_WITH_A_FOLDER:
            folder = posixpath.join(folder, value)
    return folder, tuple(rest)


def _named(args: tuple[str, ...], folder: str, rules: Sequence[Rule]) -> GitCommand:
    unsure = frozenset(index for index, word in enumerate(args) if "$" in word)
    named = bool(args) and any(_names(rule, args, unsure) for rule in rules)
    return GitCommand(args, folder, named)


def _names(rule: Rule, args: tuple[str, ...], unsure: frozenset[int]) -> bool:
    """Whether it speaks of this kind of loss: `Git(commit *)` is no word on `commit --amend`."""
    if rule.pattern is None:
        return False
    for tool, words in readings("Git", args):
        behind = len(words) - len(args)
        globs = frozenset(index + behind for index in unsure)
        if rule.names(tool) and rule.matches_words(words, globs):
            spelt = tuple(rule.pattern.split())[behind:]
            return spelt[:1] == args[:1] and _says_so(spelt)
    return False


def rule_naming(args: Sequence[str]) -> str:
    """The shortest rule that names the command `git ARGS`, which throws something away."""
    short = next((args[:length] for length in range(1, len(args)) if _says_so(args[:length])), args)
    return f"Git({' '.join((*short, '*'))})"


def _says_so(args: Sequence[str]) -> bool:
    """Whether these words alone tell that something may be thrown away."""
    return git_effect(args) == "destructive" or forces(args)
