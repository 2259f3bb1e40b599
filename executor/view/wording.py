"""How results, times, changes and money are put into words, the same in every view.

Plain strings without colour; making them safe for a terminal is the caller's business.
"""

from executor.view.port import CallFinished, RunSummary
from protocol.from_executor import ToolStatus
from protocol.from_maestro import EndReason
from protocol.wire import FileChange

MARKS: dict[ToolStatus, str] = {
    "success": "\u2713",
    "error": "\u2717",
    "denied": "\u2298",
    "timeout": "\u23f1",
    "cancelled": "\u25a0",
    "interrupted": "?",
}
_ENDINGS: dict[EndReason, str] = {
    "completed": "done",
    "unverified": "done, but not verified",
    "failed": "failed",
    "interrupted": "interrupted",
    "max_steps": "stopped: as many steps as were allowed",
    "max_seconds": "stopped: as much time as was allowed",
    "max_tokens": "stopped: as many tokens as were allowed",
    "max_cost": "stopped: it cost as much as was allowed",
    "loop": "stopped: it went in circles",
    "model_error": "the model failed",
    "tool_protocol": "the model could not use its tools",
    "internal": "failed inside the maestro",
}

_NOBODY_TO_ASK = (
    "there was nobody to ask: a terminal asks, --mode auto-edit and --mode auto ask less, "
    "and [policy] allow lets calls of one kind pass (codegen policy check CALL)"
)


def call_line(call: CallFinished) -> str:
    """`✓ Shell pytest -q  exit 1  0.8s`."""
    note = f"  {call.note}" if call.note else ""
    return f"{MARKS[call.status]} {call.title}{note}  {duration(call.seconds)}"


def duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f}s"
    if seconds < 60:
        return f"{seconds:.0f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s"


def ending(summary: RunSummary) -> str:
    """How the run ended, with the maestro's own words where it did not go well."""
    words = _ENDINGS[summary.finished.reason]
    told = summary.finished.summary if summary.finished.outcome != "success" else ""
    return f"{words}: {told}" if told else words


def change_line(change: FileChange) -> str:
    """`src/report.py (+3 -1)`, with what was done to it unless it was modified."""
    done = "" if change.kind == "modified" else f" {change.kind}"
    return f"{change.path}{done} (+{change.added} -{change.removed})"


def summary_lines(summary: RunSummary) -> list[str]:
    """The closing lines of a run: how it ended, what changed, what it took."""
    lines = [change_line(change) for change in summary.changes]
    lines.extend(f"denied {denial.title}: {denial.why}" for denial in summary.denials)
    if any(denial.for_want_of_terminal for denial in summary.denials):
        lines.append(_NOBODY_TO_ASK)
    lines += undo_lines(summary)
    lines.append(" \u00b7 ".join((ending(summary), *figures(summary))))
    return lines


def undo_lines(summary: RunSummary) -> list[str]:
    """How to take back what the run changed; none where it changed nothing."""
    return [f"codegen undo takes back {_counted(summary.undoable, 'file')}"][: summary.undoable]


def figures(summary: RunSummary) -> list[str]:
    """What the run did and took; what is nothing or not known is left out."""
    usage = summary.usage
    tokens = usage.input_tokens + usage.output_tokens
    cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
    said = [
        _counted(len(summary.changes), "file", " changed"),
        _counted(summary.commands, "command"),
        f"{tokens:,} tokens{cached}" if tokens else "",
        "" if usage.cost_usd is None else f"${usage.cost_usd:.4f}",
        duration(summary.seconds),
    ]
    return [words for words in said if words]


def _counted(count: int, noun: str, rest: str = "") -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}{rest}" if count else ""
