"""The `/` commands of a conversation: which there are, and what each one does.

Answers with lines for the view; says nothing to the model but wishes for its next run.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from difflib import get_close_matches
from typing import Protocol, cast, get_args

import msgspec

from executor.cli.minutes import Minutes
from executor.errors import ExecutorError
from executor.policy.verdict import Mode
from executor.view.cells import wrap
from executor.view.diff_lines import diff_lines
from executor.view.look import Look, Span
from executor.view.plan import plan_lines
from executor.view.wording import duration
from protocol.from_executor import RunWishes

COMMANDS = {
    "/help": "what can be said here",
    "/model": "[NAME]  the model from the next message on",
    "/mode": f"[{'|'.join(get_args(Mode))}]  what may happen unasked",
    "/plan": "the agent's plan",
    "/diff": "every change of this conversation",
    "/undo": "[N | --to CALL]  take back the last run, or N calls",
    "/redo": "do again what was taken back",
    "/checkpoints": "the calls that changed something",
    "/cost": "what it took so far",
    "/sessions": "earlier sessions of this directory",
    "/quit": "leave; codegen -c comes back",
}
_DIFF_LINES_MAX = 400
_KEYS = (
    ("Alt-Enter or \\ at the end", "another line"),
    ("while it works", "what you type steers it"),
    ("Ctrl-C", "interrupts; twice leaves"),
)


class Local(Protocol):
    """What a conversation may ask of the program around it."""

    def mode(self) -> Mode: ...

    def set_mode(self, mode: Mode) -> None:
        """Raises UsageError where this mode can't be had."""
        ...

    def model(self) -> str: ...

    def sessions(self) -> Sequence[str]:
        """A line each, the last used first."""
        ...

    def patch(self) -> str:
        """What stands of the conversation's changes. Raises ExecutorError."""
        ...

    def undo(self, argument: str) -> Sequence[str]:
        """What was taken back. Raises ExecutorError."""
        ...

    def redo(self, argument: str) -> Sequence[str]:
        """What was done again. Raises ExecutorError."""
        ...

    def checkpoints(self) -> Sequence[str]:
        """A line each, the latest first. Raises ExecutorError."""
        ...


class Slash:
    """Carries commands out; wishes go with the next message."""

    def __init__(
        self,
        minutes: Minutes,
        local: Local,
        look: Look,
        put: Callable[[Callable[[int], list[str]]], None],
    ) -> None:
        """`put` prints lines for a width."""
        self._minutes = minutes
        self._local = local
        self._look = look
        self._put = put
        self._wishes = RunWishes()
        self.left = False
        """The user wants to leave."""

    def run(self, line: str) -> None:
        """Carry `/name argument` out, or say why not."""
        name, _, argument = line.strip().partition(" ")
        argument = argument.strip()
        match name:
            case "/help":
                self._table([*COMMANDS.items(), *_KEYS])
            case "/model":
                self._model(argument)
            case "/mode":
                self._mode(argument)
            case "/plan":
                self._plan()
            case "/diff":
                self._diff()
            case "/undo":
                self._tried(lambda: self._local.undo(argument))
            case "/redo":
                self._tried(lambda: self._local.redo(argument))
            case "/checkpoints":
                self._tried(self._local.checkpoints)
            case "/cost":
                self._cost()
            case "/sessions":
                self._say(*self._local.sessions() or ("there is no earlier session here",))
            case "/quit":
                self.left = True
            case _:
                near = get_close_matches(name, COMMANDS, 1)
                hint = f"; did you mean {near[0]}?" if near else "; see /help"
                self._say(f"there is no command {name}{hint} (a space before it sends it as text)")

    def take_wishes(self) -> RunWishes | None:
        """What the next message is to carry, once."""
        wishes, self._wishes = self._wishes, RunWishes()
        return None if wishes == RunWishes() else wishes

    def _model(self, name: str) -> None:
        if not name:
            self._say(f"model: {self._wishes.model or self._local.model() or 'the default one'}")
            return
        self._wishes = msgspec.structs.replace(self._wishes, model=name)
        self._say(f"model: {name}, from the next message on")

    def _mode(self, name: str) -> None:
        modes = get_args(Mode)
        if not name:
            self._say(f"mode: {self._local.mode()} (of {', '.join(modes)})")
            return
        if name not in modes:
            self._say(f"{name!r} is none of {', '.join(modes)}")
            return
        try:
            self._local.set_mode(cast("Mode", name))
        except ExecutorError as error:
            self._say(str(error))
            return
        self._wishes = msgspec.structs.replace(self._wishes, mode=name)
        self._say(f"mode: {name}")

    def _tried(self, work: Callable[[], Sequence[str]]) -> None:
        try:
            self._say(*work())
        except (ExecutorError, OSError) as error:
            self._say(str(error))

    def _plan(self) -> None:
        steps, look = self._minutes.plan, self._look
        if not steps:
            self._say("there is no plan")
            return
        self._put(lambda width: plan_lines(steps, look, width, len(steps)))

    def _diff(self) -> None:
        calls, look = tuple(self._minutes.diffs), self._look
        with suppress(ExecutorError, OSError):  # not kept: what the calls said must do
            patch = self._local.patch()
            if patch:
                self._put(lambda width: diff_lines(patch, look, width, shown_max=_DIFF_LINES_MAX))
                return
        if not calls:
            self._say("nothing was changed")
            return

        def lines(width: int) -> list[str]:
            made: list[str] = []
            for call in calls:
                made.append(look.row([(call.title, "bold")], width))
                left = _DIFF_LINES_MAX - len(made)
                made.extend(diff_lines(call.diff or "", look, width, shown_max=max(left, 1)))
            return made

        self._put(lines)

    def _cost(self) -> None:
        usage, minutes = self._minutes.usage, self._minutes
        cost = "not known" if usage.cost_usd is None else f"${usage.cost_usd:.4f}"
        self._table(
            [
                ("runs", f"{minutes.runs} in {duration(minutes.seconds)}"),
                ("tokens in", f"{usage.input_tokens:,} ({usage.cached_tokens:,} cached)"),
                ("tokens out", f"{usage.output_tokens:,}"),
                ("cost", cost if minutes.runs else "nothing"),
            ]
        )

    def _table(self, rows: Sequence[tuple[str, str]]) -> None:
        look = self._look
        column = max(len(name) for name, _ in rows) + 2

        def lines(name: str, words: str, width: int) -> list[str]:
            made: list[str] = []
            for piece in wrap(words, max(width - column - 2, 1)):
                spans: tuple[Span, ...] = ((f"  {name.ljust(column)}", "bold"), (piece, "plain"))
                made.append(look.row(spans, width))
                name = ""
            return made

        self._put(lambda width: [line for row in rows for line in lines(*row, width)])

    def _say(self, *lines: str) -> None:
        look = self._look
        self._put(lambda width: [look.row([(f"  {line}", "plain")], width) for line in lines])
