"""The first lines of a run and its last ones.

Makes painted lines from what `wording` says; when they are drawn is not decided here.
"""

from dataclasses import dataclass

from executor.view.cells import wrap
from executor.view.look import Look, Span, Style
from executor.view.port import RunSummary
from executor.view.safe_text import safe_text
from executor.view.wording import ending, figures, undo_lines
from protocol.from_maestro import Outcome

_FILES_MAX = 20
_STYLES: dict[Outcome, Style] = {"success": "green", "error": "red", "interrupted": "yellow"}


@dataclass(frozen=True, slots=True)
class Header:
    """What a run starts from, for its first line; empty parts are left out."""

    server: str
    """`private maestro`, or a team's address."""
    model: str = ""
    mode: str = ""
    directory: str = ""


def header_line(header: Header, look: Look, width: int) -> str:
    parts = (header.server, header.model, header.mode, header.directory)
    rest = "".join(f" {look.marks.dot} {part}" for part in parts if part)
    return look.row([("codegen", "bold cyan"), (rest, "dim")], width)


def closing_lines(summary: RunSummary, look: Look, width: int, hint: str) -> list[str]:
    """How it ended, what changed, what was denied, what it took; `hint`: how to go on."""
    outcome = summary.finished.outcome
    mark = {"success": look.marks.success, "error": look.marks.error}.get(
        outcome, look.marks.cancelled
    )
    first, *more = wrap(safe_text(ending(summary)), max(width - 2, 1))
    lines = [look.row([(f"{mark} ", _STYLES[outcome]), (first, "bold")], width)]
    lines += [look.row([(f"  {line}", "plain")], width) for line in more]
    for change in summary.changes[:_FILES_MAX]:
        done = "" if change.kind == "modified" else f"  {change.kind}"
        counts: list[Span] = [(f"  +{change.added}", "green"), (f" -{change.removed}", "red")]
        name: list[Span] = [(f"  {change.path}", "plain"), (done, "dim")]
        lines.append(look.row([*name, *counts], width))
    if len(summary.changes) > _FILES_MAX:
        left_out = f"  and {len(summary.changes) - _FILES_MAX} more files"
        lines.append(look.row([(left_out, "dim")], width))
    for denial in summary.denials:
        denied: list[Span] = [("  denied  ", "yellow"), (denial.title, "plain")]
        lines.append(look.row([*denied, (f"  {denial.why}", "dim")], width))
    took = f" {look.marks.dot} ".join(figures(summary))
    lines += [look.row([(f"  {line}", "dim")], width) for line in wrap(took, max(width - 2, 1))]
    lines += [look.row([(f"  {line}", "dim")], width) for line in undo_lines(summary)]
    if hint:
        lines.append(look.row([(f"  {hint}", "dim")], width))
    return lines
