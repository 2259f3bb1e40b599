"""JSON for programs: one object at the end, or one line for each thing that happens.

Escapes nothing but what JSON does; whoever prints it to a terminal makes it safe first.
"""

import json
from typing import Any, TextIO

import msgspec

from executor.view.port import Answer, Declined, Question, RunSummary, Shown
from protocol.wire import Message


class JsonView:
    """One JSON object at the end, of the last run; asks nobody."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._last: RunSummary | None = None

    def show(self, shown: Shown) -> None:
        if isinstance(shown, RunSummary):
            self._last = shown

    async def ask(self, _question: Question, /) -> Answer:
        return Declined(unasked=True)

    def close(self) -> None:
        if self._last is not None:
            _write(self._out, summary_object(self._last))
            self._last = None


class StreamJsonView(JsonView):
    """Before that, a line for each frame and local event, `type` first."""

    def show(self, shown: Shown) -> None:
        if isinstance(shown, RunSummary):
            super().show(shown)
        elif isinstance(shown, Message):
            tag = type(shown).__struct_config__.tag
            fields: dict[str, Any] = msgspec.to_builtins(shown)
            _write(self._out, {**fields, "type": tag})
        else:
            name = type(shown).__name__
            kind = "".join(f"_{char.lower()}" if char.isupper() else char for char in name)
            fields = msgspec.to_builtins(shown)
            rounded = {key: _rounded(value) for key, value in fields.items()}
            _write(self._out, {"type": kind.lstrip("_"), **rounded})


def summary_object(summary: RunSummary) -> dict[str, Any]:
    """`{"type": "result", ...}`: what both JSON formats end with."""
    return {
        "type": "result",
        "session_id": summary.session_id,
        "outcome": summary.finished.outcome,
        "reason": summary.finished.reason,
        "summary": summary.finished.summary,
        "text": summary.text,
        "model": summary.model,
        "seconds": round(summary.seconds, 3),
        "usage": msgspec.structs.asdict(summary.usage),
        "changes": [msgspec.to_builtins(change) for change in summary.changes],
        "commands": summary.commands,
        "denials": [msgspec.to_builtins(denial) for denial in summary.denials],
    }


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def _write(out: TextIO, value: dict[str, Any]) -> None:
    out.write(f"{json.dumps(value, ensure_ascii=True)}\n")
    out.flush()
