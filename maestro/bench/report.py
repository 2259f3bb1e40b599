"""What was measured of a deployment, as columns and as JSON.

Values and their rendering; measures nothing.
"""

from collections.abc import Sequence

import msgspec


class Levels(msgspec.Struct, frozen=True):
    """Times in milliseconds."""

    url: str
    version: str | None
    asked: int
    """Sessions that were to be opened."""
    held: int
    """Attached at the same time, and still so at the end."""
    handshake_ms: list[float]
    """Handshake sent until `session_started`: gate, ledger and back."""
    accepted_ms: list[float]
    """A message sent until `accepted`: it is committed then."""
    first_text_ms: list[float]
    """A prompt sent until the first text: queue, context and the model's own time."""
    run_ms: list[float]
    """A prompt sent until `run_finished`."""
    failed: dict[str, int]
    """What went wrong, and how often."""


def percentile(figures: Sequence[float], share: float) -> float:
    """The figure that `share` (0 to 1) of all do not exceed."""
    ordered = sorted(figures)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def as_text(levels: Levels) -> str:
    rows = (
        ("acknowledgement of a handshake", levels.handshake_ms),
        ("acknowledgement of a message", levels.accepted_ms),
        ("first text after a prompt", levels.first_text_ms),
        ("whole run of one word", levels.run_ms),
    )
    lines = [
        f"{levels.url}, maestro {levels.version or 'of an unknown version'}",
        f"sessions held at once: {levels.held} of {levels.asked}",
        "",
        f"{'':<32}{'count':>7}{'p50 ms':>10}{'p95 ms':>10}{'most ms':>10}",
    ]
    for words, figures in rows:
        if figures:
            cells = (percentile(figures, 0.5), percentile(figures, 0.95), max(figures))
            shown = "".join(f"{cell:>10.1f}" for cell in cells)
            lines.append(f"{words:<32}{len(figures):>7}{shown}")
        else:
            lines.append(f"{words:<32}{0:>7}")
    lines += [f"failed {times} times: {why}" for why, times in levels.failed.items()]
    return "\n".join(lines) + "\n"


def as_json(levels: Levels) -> str:
    return msgspec.json.format(msgspec.json.encode(levels)).decode() + "\n"
