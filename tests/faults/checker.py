"""The one checker of the invariants, run after every fault.

Pure: a history in, a line for each violation out.

I1 every user message ends in exactly one outcome. I2 no subscriber sees a gap, a repetition or a
step back. I3 at most one result a call, and exactly one for each call of a completed run. I4 an
effect happens at most once a call, exactly once where the call says success, and none without a
call. I5 nothing is written by a stale owner. I6 no process outlives its session by 3 s. I7 no byte
outside the workspace changes.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from maestro.domain.events import (
    ExecutorAttached,
    ModelReplied,
    RunEnded,
    StoredEvent,
    ToolAnswered,
    ToolAsked,
)
from maestro.domain.frames import frame
from maestro.domain.transcript import Transcript
from tests.faults.history import Attached, History
from tests.faults.work import effect_of

_SENT_AGAIN = {"run_tool", "cancel_tool"}


def violations(history: History) -> list[str]:
    """What the history has that must not be; empty when all invariants hold."""
    return [
        *_one_outcome(history.rows),
        *_gapless(history),
        *_one_result(history.rows),
        *_effects(history),
        *_no_stale_writes(history.rows),
        *(f"I6: process {pid} is alive" for pid in history.strays),
        *(f"I7: {name} was changed" for name in history.changed_outside),
    ]


def _one_outcome(rows: tuple[StoredEvent, ...]) -> Iterator[str]:
    transcript = Transcript()
    transcript.fold_all(rows)
    if transcript.run is not None:
        yield f"I1: run {transcript.run.number} has no outcome"
    ended = Counter(row.event.run for row in rows if isinstance(row.event, RunEnded))
    yield from (f"I1: run {run} ended {times} times" for run, times in ended.items() if times > 1)
    if sorted(ended) != list(range(1, transcript.runs + 1)):
        yield f"I1: {transcript.runs} runs, outcomes of {sorted(ended)}"


def _gapless(history: History) -> Iterator[str]:
    seqs = [row.seq for row in history.rows]
    if seqs != list(range(1, len(seqs) + 1)):
        yield f"I2: the ledger's seqs are {seqs}"
    for number, watched in enumerate(history.watched):
        if list(watched) != seqs[: len(watched)] or not watched:
            yield f"I2: watcher {number} saw {watched} of {len(seqs)}"
    if history.attached:
        yield from _executors_view(history.rows, history.attached)


def _executors_view(
    rows: tuple[StoredEvent, ...], connections: Sequence[Attached]
) -> Iterator[str]:
    heard: set[int] = set()
    for number, connection in enumerate(connections):
        resume = connection.said[0]["payload"].get("resume") if connection.said else None
        last = resume.get("last_seq", 0) if resume else 0
        for each in connection.heard:
            if "seq" not in each or each["type"] in _SENT_AGAIN:
                continue
            if each["seq"] <= last:
                yield f"I2: connection {number} heard {each['seq']} behind {last}"
            last = each["seq"]
            heard.add(last)
    due = {row.seq for row in rows if _is_due(row)}
    if due - heard:
        yield f"I2: no executor heard {sorted(due - heard)}"


def _is_due(row: StoredEvent) -> bool:
    projected = frame(row, "executor")
    if projected is None:
        return False
    return projected.message.__struct_config__.tag not in _SENT_AGAIN


def _one_result(rows: tuple[StoredEvent, ...]) -> Iterator[str]:
    answered = Counter(row.event.tool_id for row in rows if isinstance(row.event, ToolAnswered))
    yield from (f"I3: {tool_id} has {n} results" for tool_id, n in answered.items() if n > 1)
    asked: list[str] = []
    for row in rows:
        match row.event:
            case ToolAsked(tool_id=tool_id):
                asked.append(tool_id)
            case RunEnded(reason="completed"):
                yield from (f"I3: {lost} has no result" for lost in asked if lost not in answered)
            case _:
                pass


def _effects(history: History) -> Iterator[str]:
    answers = {
        row.event.tool_id: row.event.status
        for row in history.rows
        if isinstance(row.event, ToolAnswered)
    }
    promised: dict[str, str] = {}
    for row in history.rows:
        if isinstance(row.event, ToolAsked):
            effect = effect_of(row.event.tool_name, row.event.parameters)
            if effect is not None:
                promised[effect] = row.event.tool_id
    for effect, times in history.effects.items():
        if effect not in promised:
            yield f"I4: {effect} happened, and no call of the ledger asks for it"
        if times > 1:
            yield f"I4: {effect} happened {times} times"
    for effect, tool_id in promised.items():
        if answers.get(tool_id) == "success" and effect not in history.effects:
            yield f"I4: {effect} is said to have happened and did not"


def _no_stale_writes(rows: tuple[StoredEvent, ...]) -> Iterator[str]:
    epochs = [row.event.epoch for row in rows if isinstance(row.event, ExecutorAttached)]
    if epochs != list(range(1, len(epochs) + 1)):
        yield f"I5: the epochs are {epochs}"
    made = [row.event.generation_id for row in rows if isinstance(row.event, ModelReplied)]
    if made != sorted(set(made)):
        yield f"I5: the generations are {made}"
