"""The agent's plan as a checklist: whole, or a window around the step it is at.

Makes painted lines; when they are drawn is not decided here.
"""

from typing import Literal

from executor.view.look import Look, Span, Style
from protocol.wire import PlanStep

_STYLES: dict[Literal["pending", "active", "done", "skipped"], tuple[Style, Style]] = {
    "pending": ("dim", "dim"),
    "active": ("cyan", "bold"),
    "done": ("green", "plain"),
    "skipped": ("dim", "dim"),
}


def plan_lines(steps: tuple[PlanStep, ...], look: Look, width: int, height: int) -> list[str]:
    """At most `height` lines; steps that are left out are counted in the last one."""
    if height < 1 or not steps:
        return []
    if len(steps) <= height:
        return [_row(step, look, width) for step in steps]
    done = sum(step.status in ("done", "skipped") for step in steps)
    room = height - 1
    active = next((at for at, step in enumerate(steps) if step.status == "active"), done)
    first = max(0, min(active - room // 2, len(steps) - room))
    lines = [_row(step, look, width) for step in steps[first : first + room]]
    count: Span = (f"  {done} of {len(steps)} steps done", "dim")
    return [*lines, look.row([count], width)]


def _row(step: PlanStep, look: Look, width: int) -> str:
    mark: str = getattr(look.marks, step.status)
    mark_style, style = _STYLES[step.status]
    return look.row([(f"{mark} ", mark_style), (step.title, style)], width)
