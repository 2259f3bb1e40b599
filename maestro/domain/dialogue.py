"""The turns of a session in an order that every provider takes.

An assistant turn, then the answers to all its calls in the model's order, then user turns; knows
nothing of runs, limits and clocks. Turns are made once and keep their identity.
"""

import hashlib
from collections import deque
from dataclasses import dataclass, field

import msgspec

from maestro.domain.conversation import AssistantTurn, ModelCall, ToolTurn, Turn, UserTurn
from maestro.domain.events import MAESTRO, ModelReplied, ToolAnswered, ToolAsked
from maestro.domain.wording import UNANSWERED, answer_text, images

_encode_sorted = msgspec.json.Encoder(order="deterministic").encode


@dataclass(slots=True)
class Call:
    """One call that was asked for, and what became of it."""

    asked: ToolAsked
    answer: ToolAnswered | None = None
    cancelled_at: float | None = None
    """When it was cancelled, Unix seconds; it may still be answered."""

    def signature(self) -> bytes:
        """Equal for calls with the same name, arguments and result."""
        asked, answer = self.asked, self.answer
        outcome = (answer.status, answer.result) if answer else None
        written = (asked.tool_name, asked.parameters, asked.raw_arguments, outcome)
        return hashlib.blake2b(_encode_sorted(written), digest_size=16).digest()

    def was_refused(self) -> bool:
        """The maestro itself turned it down: an unknown tool, broken arguments."""
        if self.asked.bound_to != MAESTRO or self.answer is None:
            return False
        return self.answer.status == "error"


@dataclass(frozen=True, slots=True)
class Trace:
    """What one exchange leaves behind for the safeguards."""

    text: bytes
    """A digest of the reply's text; empty for an empty one."""
    calls: tuple[bytes, ...]
    refused: bool
    """It had calls, and the maestro had to turn down every one."""
    poor: bool
    """No calls, and no whole text either: empty, cut or filtered."""


@dataclass(slots=True)
class Exchange:
    """One reply of the model and the calls that it asked for."""

    reply: ModelReplied
    calls: list[Call] = field(default_factory=list[Call])
    _turns: tuple[Turn, ...] | None = None

    def ask(self, call: Call) -> None:
        self.calls.append(call)
        self._turns = None

    def is_poor(self) -> bool:
        unfinished = self.reply.finish in ("length", "filter") or not self.reply.text.strip()
        return not self.calls and unfinished

    def trace(self) -> Trace:
        text = self.reply.text.strip()
        return Trace(
            text=hashlib.blake2b(text.encode(), digest_size=16).digest() if text else b"",
            calls=tuple(call.signature() for call in self.calls),
            refused=bool(self.calls) and all(call.was_refused() for call in self.calls),
            poor=self.is_poor(),
        )

    def turns(self) -> tuple[Turn, ...]:
        """The assistant's turn and its answers; to be asked for once every call is closed."""
        if self._turns is None:
            self._turns = tuple(self._make_turns())
        return self._turns

    def _make_turns(self) -> list[Turn]:
        reply = self.reply
        turns: list[Turn] = []
        if reply.text or self.calls:
            calls = tuple(_model_call(call.asked) for call in self.calls)
            turns.append(AssistantTurn(reply.text, calls, reply.reasoning))
        turns.extend(_tool_turn(call) for call in self.calls)
        if reply.note:
            turns.append(UserTurn(reply.note))
        return turns


def _call_id(asked: ToolAsked) -> str:
    return asked.provider_id or asked.tool_id


def _model_call(asked: ToolAsked) -> ModelCall:
    """The call as the model wrote it; what was no JSON object is left out, providers refuse it."""
    if asked.raw_arguments is None:
        arguments = msgspec.json.encode(asked.parameters).decode()
    else:
        arguments = asked.raw_arguments if _is_object(asked.raw_arguments) else "{}"
    return ModelCall(_call_id(asked), asked.tool_name, arguments)


def _is_object(text: str) -> bool:
    try:
        msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False
    return True


def _tool_turn(call: Call) -> ToolTurn:
    asked, answer = call.asked, call.answer
    if answer is None:
        return ToolTurn(_call_id(asked), asked.tool_name, UNANSWERED)
    return ToolTurn(_call_id(asked), asked.tool_name, answer_text(answer), images(answer.content))


class Dialogue:
    """Settled turns, the exchange that is under way, and what the user said and no model read."""

    def __init__(self) -> None:
        self.exchange: Exchange | None = None
        self._settled: list[Turn] = []
        self._marks: list[tuple[int, int]] = []
        """Where each turn ended: its seq, and how much was settled by then."""
        self._unread: deque[tuple[int, UserTurn]] = deque()

    def heard(self, seq: int, turn: UserTurn) -> None:
        self._unread.append((seq, turn))

    def replied(self, reply: ModelReplied) -> None:
        """What the user said up to the reply's basis stands before it, the rest waits."""
        self.settle(reply.basis)
        self.exchange = Exchange(reply)

    def settle(self, basis: int) -> None:
        """Close the exchange and read what the user said up to `basis`."""
        if self.exchange is not None:
            self._settled.extend(self.exchange.turns())
            self.exchange = None
        while self._unread and self._unread[0][0] <= basis:
            self._settled.append(self._unread.popleft()[1])

    def mark(self, seq: int) -> None:
        """A turn ends here: what is settled may be gone back to. To be called after `settle`."""
        self._marks.append((seq, len(self._settled)))

    def rewind(self, to_seq: int) -> None:
        """Forget what was settled behind the last turn that ended at or below `to_seq`."""
        while self._marks and self._marks[-1][0] > to_seq:
            self._marks.pop()
        del self._settled[self._marks[-1][1] if self._marks else 0 :]

    def has_unread(self, after: int = 0) -> bool:
        """Whether the user said something, above `after`, that no model has read."""
        return bool(self._unread) and self._unread[-1][0] > after

    def turns(self) -> tuple[Turn, ...]:
        """All of them, the unread at the end; to be asked for while no call is open."""
        under_way = self.exchange.turns() if self.exchange is not None else ()
        return (*self._settled, *under_way, *(turn for _, turn in self._unread))
