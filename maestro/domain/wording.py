"""How what users and tools say reads to the model, and how much of it.

Texts and caps only; the order of the turns is `dialogue`'s business.
"""

from maestro.domain.events import ToolAnswered, UserSaid
from protocol.wire import Content, ImageContent, PlanStep

MAX_ANSWER = 64 * 1024
MAX_MESSAGE = 256 * 1024
"""Characters of one tool's answer, of one user message."""
MAX_ATTACHMENTS = 16

UNANSWERED = (
    "Cancelled, outcome unknown: the run ended before this call was answered. "
    "Look at the actual state before you do it again."
)

_OUTCOMES = {
    "error": "Error",
    "denied": "Not run",
    "timeout": "Timed out",
    "cancelled": "Cancelled",
    "interrupted": (
        "Interrupted: it had been started and its outcome is unknown; "
        "look at the actual state before you do it again"
    ),
}


def capped(text: str, limit: int) -> str:
    """`text`, or its head and tail with the cut between them named, about `limit` characters."""
    if len(text) <= limit:
        return text
    tail = limit // 4
    left_out = len(text) - limit
    return f"{text[: limit - tail]}\n[... {left_out} characters left out ...]\n{text[-tail:]}"


def answer_text(answered: ToolAnswered) -> str:
    """What the model reads as the result of its call."""
    result = capped(answered.result, MAX_ANSWER)
    if answered.status == "success":
        return result
    head = _OUTCOMES[answered.status]
    if answered.error is not None and answered.status == "error":
        head = f"{head} ({answered.error.code[:64]})"
    message = capped(answered.error.message, MAX_MESSAGE) if answered.error else ""
    if message and message not in result:
        head = f"{head}: {message}"
    return f"{head}\n{result}" if result else head


def images(content: tuple[Content, ...]) -> tuple[Content, ...]:
    """The pictures of a tool's answer; its text is the result."""
    pictures = (part for part in content if isinstance(part, ImageContent))
    return tuple(pictures)[:MAX_ATTACHMENTS]


def message_text(said: UserSaid, mode_before: str | None) -> str:
    """The user's words, and the mode where these words bring another one."""
    text = capped(said.content, MAX_MESSAGE)
    mode = said.run.mode
    if mode is None or mode == mode_before:
        return text
    return f"{text}\n\n[The user's mode is {mode[:32]!r} from here on.]"


def progress_of(steps: tuple[PlanStep, ...]) -> int:
    """How far a plan has come, 0 to 100."""
    behind = sum(step.status in ("done", "skipped") for step in steps)
    return 100 * behind // len(steps) if steps else 0
