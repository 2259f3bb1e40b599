"""Kill a file tool anywhere, finish in another process what it began, and look at what is there.

Each process is a fork of this one: many rounds a second. Judges every round by itself.
"""

import argparse
import asyncio
import os
import random
import shutil
import signal
import stat
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec

from executor.failpoints import VARIABLE, arm
from executor.journal import Finished, Journal, StartedByGoneProcess, Unknown, create_journal
from executor.journal import open_journal as opened
from executor.process.processes import Processes
from executor.process.shells import Shells
from executor.session.results import wire_result
from executor.session.settling import Settling
from executor.tool_context import ToolContext, ToolOutcome
from executor.tools import TOOLS
from executor.workspace import Workspace
from executor.workspace.files import digest_of
from protocol.from_maestro import RunTool
from tests.executor.tools.world import MemoryReads

CALL = "call-1"
FINISHED_LATER = "finished by the next process"
PATCH = """*** Begin Patch
*** Update File: a
@@
-one
+1
*** Add File: new/deep/n
+n
*** Update File: b
*** Move to: moved/b
@@
-two
+2
*** Delete File: old/deep/gone
*** Update File: c
@@
-three
+3
*** End Patch"""
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "WriteFile over": ("WriteFile", {"file_path": "a", "content": "new\n" * 5000}),
    "WriteFile new": ("WriteFile", {"file_path": "new/deep/n", "content": "n\n"}),
    "Edit": ("Edit", {"file_path": "a", "old_string": "one", "new_string": "1"}),
    "ApplyPatch": ("ApplyPatch", {"patch": PATCH}),
}
_FILES = {
    "a": ("one\n", 0o640),
    "b": ("two\n", 0o755),
    "c": ("three\n", 0o600),
    "old/deep/gone": ("x\n", 0o644),
}
POINTS = {
    name: [
        *(f"tmp_written:{n}" for n in range(1, 5 if name == "ApplyPatch" else 2)),
        "decided:1",
        *(f"renamed:{n}" for n in range(1, 7 if name == "ApplyPatch" else 2)),
        "folders_synced:1",
    ]
    for name in CALLS
}
"""Every failpoint that a call passes, so often as it does."""
_KILLED = 137
_WATCHED = ("executor/workspace/", "executor/journal/", "executor/session/settling")

Tree = dict[str, tuple[int, bytes]]
"""Mode and bytes of every file; of a folder, its mode."""


@dataclass(frozen=True)
class Moment:
    """When a process is killed: at a failpoint, at one of its calls into C, or by the clock."""

    point: str = ""
    event: int = 0
    """Before or after a call."""
    seconds: float = 0.0


@dataclass(frozen=True)
class Course:
    """What a call comes to when nobody kills it."""

    before: Tree
    after: Tree
    events: int
    seconds: float


@dataclass(frozen=True)
class Round:
    kills: int
    outcome: str
    wrong: tuple[str, ...]


class Ground:
    """A project, a journal, and the calls that change the one and are kept in the other."""

    def __init__(self, folder: Path) -> None:
        self._root = folder / "project"
        self._state = folder / "state"
        self.courses = {name: self._course(name) for name in CALLS}

    def round(self, name: str, *moments: Moment) -> Round:
        """One call, killed at the first moment, its settling at the others; then settled."""
        course = self.courses[name]
        journal_id = self._fresh()
        kills = _forked(lambda: self._work(name, journal_id), moments[0])
        for moment in moments[1:]:
            kills += _forked(lambda: self._settle(journal_id), moment)
        outcome = self._settle(journal_id)
        tree = _tree(self._root)
        self._settle(journal_id)
        wrong = tuple(_violations(course, outcome, tree, _tree(self._root)))
        return Round(kills, outcome, wrong)

    def _course(self, name: str) -> Course:
        journal_id = self._fresh()
        before = _tree(self._root)
        counted, counting = os.pipe()
        began = time.monotonic()

        def whole() -> None:
            events = _count_events(0)
            self._work(name, journal_id)
            os.write(counting, b"%d" % events())

        _forked(whole, Moment())
        seconds = time.monotonic() - began
        events = int(os.read(counted, 100))
        os.close(counted)
        os.close(counting)
        return Course(before, _tree(self._root), events, seconds)

    def _fresh(self) -> str:
        """The project as it is before each call; its new journal."""
        for folder in (self._root, self._state):
            shutil.rmtree(folder, ignore_errors=True)
        self._root.mkdir(parents=True)
        for name, (content, mode) in _FILES.items():
            (self._root / name).parent.mkdir(parents=True, exist_ok=True)
            (self._root / name).write_text(content)
            (self._root / name).chmod(mode)
        journal = create_journal(self._state, cwd=str(self._root), server="", session_id="s")
        journal.close()
        return journal.journal_id

    def _work(self, name: str, journal_id: str) -> None:
        tool_name, parameters = CALLS[name]
        tool = TOOLS[tool_name]
        journal, workspace, reads = opened(self._state, journal_id), Workspace(self._root), _read()
        context = ToolContext(
            CALL,
            workspace,
            Processes("none", {"PATH": os.devnull}),
            reads,
            lambda _stream, _text: None,
            self._state,
            Shells(workspace),
            partial(journal.intents.log, CALL),
        )
        journal.begin(CALL, effects=True, files=True)
        checked = msgspec.convert(parameters, tool.contract.parameters)
        _finish(journal, asyncio.run(tool.run(checked, context)))

    def _settle(self, journal_id: str) -> str:
        """What the next process answers: status, and the error's code."""
        journal = opened(self._state, journal_id)
        settling = Settling(self._root, journal.intents)
        asyncio.run(settling.settle_all())
        try:
            match state := journal.call(CALL):
                case Unknown():
                    return "unknown"
                case Finished(result=result):
                    return f"{result.status} {result.error.code if result.error else ''}".strip()
                case StartedByGoneProcess(files=True):
                    outcome = settling.outcome(CALL)
                    _finish(journal, outcome)
                    code = outcome.error.code if outcome.error else FINISHED_LATER
                    return f"{outcome.status} {code}"
                case _:
                    return type(state).__name__
        finally:
            journal.close()


def _finish(journal: Journal, outcome: ToolOutcome) -> None:
    order = RunTool(tool_id=CALL, tool_name="x", parameters={}, generation_id="g")
    journal.finish(wire_result(order, outcome, 0.0), effects=True)


def _read() -> MemoryReads:
    """The model has read everything."""
    reads = MemoryReads()
    for name, (content, _) in _FILES.items():
        reads.note(name, digest_of(content.encode()))
    return reads


def drawn(name: str, course: Course, chance: random.Random) -> list[Moment]:
    """One moment, or two."""
    return [_drawn(name, course, chance) for _ in range(1 + (chance.random() < 0.4))]


def _drawn(name: str, course: Course, chance: random.Random) -> Moment:
    how = chance.random()
    if how < 0.3:
        return Moment(point=chance.choice(POINTS[name]))
    if how < 0.85:
        return Moment(event=chance.randint(1, course.events))
    return Moment(seconds=chance.uniform(0, course.seconds))


def _forked(work: Callable[[], object], moment: Moment) -> int:
    """Do `work` in a child and kill that at `moment`; how many were killed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            arm({VARIABLE: moment.point})
            if moment.event:
                _count_events(moment.event)
            work()
            code = 0
        finally:
            os._exit(code)
    if moment.seconds:
        time.sleep(moment.seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, _KILLED, -signal.SIGKILL):
        raise AssertionError(f"the child failed by itself: {code}")
    return int(code != 0)


def _count_events(kill_at: int) -> Callable[[], int]:
    """Count this process's calls into C from the rooms that write, and die at one of them."""
    count = 0

    def happened(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        if event in ("c_call", "c_return") and any(
            part in frame.f_code.co_filename for part in _WATCHED
        ):
            count += 1
            if count == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    threading.setprofile(happened)
    sys.setprofile(happened)
    return lambda: count


def _tree(root: Path) -> Tree:
    return {
        str(path.relative_to(root)): (
            stat.S_IMODE(path.stat().st_mode),
            path.read_bytes() if path.is_file() else b"",
        )
        for path in root.rglob("*")
    }


def _violations(course: Course, outcome: str, tree: Tree, again: Tree) -> list[str]:
    expected = {
        "success": course.after,
        f"success {FINISHED_LATER}": course.after,
        "error unchanged": course.before,
        "unknown": course.before,
    }.get(outcome)
    wrong: list[str] = []
    if expected is None:
        wrong.append(f"the answer is {outcome!r}")
    elif tree != expected:
        names = sorted(name for name in {*tree, *expected} if tree.get(name) != expected.get(name))
        wrong.append(f"the answer is {outcome!r}, but these are otherwise: {', '.join(names)}")
    if again != tree:
        wrong.append("a second settling changed files")
    return wrong


@dataclass
class Tally:
    rounds: int = 0
    kills: int = 0
    outcomes: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])


def rounds(count: int, seed: int, folder: Path) -> Tally:
    """At least `count` kills, the calls in turn."""
    chance, ground, tally = random.Random(seed), Ground(folder), Tally()
    while tally.kills < count:
        name = tuple(CALLS)[tally.rounds % len(CALLS)]
        one = ground.round(name, *drawn(name, ground.courses[name], chance))
        tally.kills += one.kills
        tally.outcomes[f"{name}: {one.outcome}"] += 1
        tally.wrong += [f"round {tally.rounds}, {name}: {line}" for line in one.wrong]
        tally.rounds += 1
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.file_kills", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="kills, at least")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--folder", type=Path, help="where the files are: of which file system")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cg-kills-", dir=chosen.folder) as place:
        tally = rounds(chosen.count, chosen.seed, Path(place).resolve())
    lines = [f"{outcome}: {times:,}" for outcome, times in sorted(tally.outcomes.items())]
    verdict = f"{tally.kills:,} kills, {len(tally.wrong):,} violations"
    lines += [*tally.wrong, f"seed {chosen.seed}: {tally.rounds:,} rounds, {verdict}"]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
