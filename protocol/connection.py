"""One connection as either side sees it: what may be said, how large, and what has come twice.

Sans-IO: bytes and messages in, bytes and messages out. No clock, socket, loop or logger.
"""

from typing import Any, Final, Generic, Literal, TypedDict, TypeVar, Unpack, overload

import msgspec

from protocol.codec import (
    FrameTooLarge,
    Ignored,
    cut_result,
    decode_from_executor,
    decode_from_maestro,
    encode,
    fit,
)
from protocol.errors import CloseCode, ErrorCode, LocalProtocolError, RemoteProtocolError
from protocol.from_executor import ExecutorError, FromExecutor, Handshake, ToolResult
from protocol.from_maestro import (
    AgentMessage,
    AgentMessageDelta,
    AgentReasoningDelta,
    ErrorReported,
    FromMaestro,
    RunFinished,
    RunTool,
    SessionStarted,
    UsageCounted,
)
from protocol.state import Phase, Role, allowed, following, type_name
from protocol.version import (
    BOOTSTRAP_GENERATION,
    MAX_FRAME_TO_EXECUTOR,
    MAX_FRAME_TO_MAESTRO,
    MAX_RESULT_BYTES,
    MAX_VIOLATIONS,
    MIN_FRAME_BYTES,
    PROTOCOL_VERSION,
)
from protocol.wire import Frame, FrameMetadata, Message

IncomingT = TypeVar("IncomingT", bound=Message)
OutgoingT = TypeVar("OutgoingT", bound=Message)

_PEER: Final[dict[Role, Role]] = {"maestro": "executor", "executor": "maestro"}


class Violation(msgspec.Struct, frozen=True):
    """A frame that was refused. Send `answer` if there is one, then close if the error says so."""

    error: RemoteProtocolError
    answer: bytes | None
    """None: in this phase this side may not even complain."""


class EnvelopeFields(TypedDict, total=False):
    """What may stand beside a message in its frame."""

    id: str | None
    seq: int | None
    timestamp: str | None
    metadata: FrameMetadata | None


Received = Frame[IncomingT] | Ignored | Violation


class Connection(Generic[IncomingT, OutgoingT]):
    """The protocol's state on one socket: `send` gives bytes, `receive` takes what came.

    A new socket is a new connection. Limits are in encoded bytes.
    """

    @overload
    def __init__(
        self: "Connection[FromExecutor, FromMaestro]", role: Literal["maestro"]
    ) -> None: ...
    @overload
    def __init__(
        self: "Connection[FromMaestro, FromExecutor]", role: Literal["executor"]
    ) -> None: ...
    def __init__(self, role: Role) -> None:
        is_maestro = role == "maestro"
        self.role: Final[Role] = role
        self.phase = Phase.OPENING
        self.max_incoming_bytes = MAX_FRAME_TO_MAESTRO if is_maestro else MAX_FRAME_TO_EXECUTOR
        self.max_outgoing_bytes = MAX_FRAME_TO_EXECUTOR if is_maestro else MAX_FRAME_TO_MAESTRO
        self.max_result_bytes = MAX_RESULT_BYTES
        self.ignored = 0
        """Frames of unknown types so far."""
        self.violations = 0
        """Frames refused so far."""
        self._order = _Order()

    @property
    def last_seq(self) -> int:
        """The highest `seq` that an executor's side has seen: what its next resume states."""
        return self._order.last_seq

    def send(self, message: OutgoingT, **envelope: Unpack[EnvelopeFields]) -> bytes:
        """The bytes of one text frame. See `send_frame`."""
        return self.send_frame(Frame(message, **envelope))

    def send_frame(self, frame: Frame[OutgoingT]) -> bytes:
        """The bytes of one text frame, cut to the peer's limit where that is allowed.

        Raises LocalProtocolError when the phase does not allow the message, and its subclass
        FrameTooLarge for what may not be cut; nothing has changed then.
        """
        message: Message = frame.message
        phase = following(self.phase, self.role, type(message))
        if phase is None:
            words = _out_of_place(self.phase, self.role, type_name(type(message)))
            raise LocalProtocolError(words)
        data = self._encoded(frame)
        self.phase = phase
        match message:
            case Handshake(resume=resume, limits=limits):
                self._order.last_seq = resume.last_seq if resume is not None else 0
                self.max_incoming_bytes = limits.max_frame_bytes or self.max_incoming_bytes
            case SessionStarted(limits=limits):
                self.max_incoming_bytes = limits.max_frame_bytes or self.max_incoming_bytes
                self.max_result_bytes = limits.max_result_bytes or self.max_result_bytes
            case _:
                pass
        return data

    def receive(self, text: str | bytes) -> tuple[Received[IncomingT], ...]:
        """What one text frame means; empty for what has come before, or too late.

        After a violation that closes, and after `close`, everything is left unread.
        """
        if self.phase is Phase.CLOSED:
            return ()
        try:
            received = self._decoded(text)
            if isinstance(received, Ignored):
                self.ignored += 1
                return (received,)
            frame = self._in_place(received)
        except RemoteProtocolError as error:
            return (self._violation(error),)
        if self.role == "executor" and not self._order.admits(frame):
            return ()
        return (frame,)

    def receive_binary(self) -> tuple[Violation, ...]:
        """What a binary frame means, whatever it holds."""
        if self.phase is Phase.CLOSED:
            return ()
        error = RemoteProtocolError(
            ErrorCode.BAD_FRAME, "frames are text, not binary", close_code=CloseCode.BINARY
        )
        return (self._violation(error),)

    def close(self) -> None:
        """The socket is closed, by whomever: nothing is sent or read any more."""
        self.phase = Phase.CLOSED

    def _encoded(self, frame: Frame[Any]) -> bytes:
        if isinstance(frame.message, ToolResult):
            result = cut_result(frame.message, self.max_result_bytes)
            frame = msgspec.structs.replace(frame, message=result)
        data = encode(frame)
        if len(data) <= self.max_outgoing_bytes:
            return data
        if self.role == "executor" and not isinstance(frame.message, ToolResult):
            # What the user has written is never cut on its way to the maestro.
            raise FrameTooLarge(frame.message, len(data), self.max_outgoing_bytes)
        return encode(fit(frame, self.max_outgoing_bytes))

    def _decoded(self, text: str | bytes) -> Frame[Any] | Ignored:
        decode = decode_from_executor if self.role == "maestro" else decode_from_maestro
        received = decode(text, max_bytes=self.max_incoming_bytes)
        if isinstance(received, Ignored) and self.phase is Phase.OPENING:
            raise self._refused(received.type)
        return received

    def _in_place(self, frame: Frame[Any]) -> Frame[Any]:
        """`frame`, once the phase allows it; what it says of limits and phase is then known."""
        message: Message = frame.message
        phase = following(self.phase, _PEER[self.role], type(message))
        if phase is None:
            raise self._refused(type_name(type(message)), frame.id)
        match message:
            case Handshake() | SessionStarted():
                _check_greeting(message)
                self.max_outgoing_bytes = message.limits.max_frame_bytes or self.max_outgoing_bytes
                if isinstance(message, SessionStarted):
                    self.max_result_bytes = message.limits.max_result_bytes or self.max_result_bytes
            case ToolResult():
                frame = msgspec.structs.replace(
                    frame, message=cut_result(message, self.max_result_bytes)
                )
            case _:
                pass
        self.phase = phase
        return frame

    def _refused(self, type_: str, frame_id: str | None = None) -> RemoteProtocolError:
        words = _out_of_place(self.phase, _PEER[self.role], type_)
        return RemoteProtocolError(ErrorCode.BAD_STATE, words, frame_id=frame_id)

    def _violation(self, error: RemoteProtocolError) -> Violation:
        """Count it, decide whether the connection survives it, and word the answer."""
        self.violations += 1
        if error.close_code is None:
            error.code, error.close_code = self._judged(error.code)
        violation = Violation(error, self._answer(error))
        if error.close_code is not None:
            self.phase = Phase.CLOSED
        return violation

    def _judged(self, code: ErrorCode) -> tuple[ErrorCode, CloseCode | None]:
        if self.phase is not Phase.ATTACHED:
            if code is ErrorCode.BAD_FRAME:
                return ErrorCode.BAD_HANDSHAKE, CloseCode.BAD_HANDSHAKE
            return code, CloseCode.BAD_STATE
        if self.violations > MAX_VIOLATIONS:
            return ErrorCode.RATE_LIMITED, CloseCode.TOO_MANY
        return code, None

    def _answer(self, error: RemoteProtocolError) -> bytes | None:
        report = (
            ErrorReported(
                error.code,
                error.message,
                field=error.field,
                tool_id=error.tool_id,
                id=error.frame_id,
            )
            if self.role == "maestro"
            else ExecutorError(error.code, error.message, error.field)
        )
        if following(self.phase, self.role, type(report)) is None:
            return None
        return encode(Frame(report))


class _Order:
    """What an executor has seen, so that nothing is shown twice and no old text returns."""

    def __init__(self) -> None:
        self.last_seq = 0
        self._newest = ""
        """Of the generations, which compare as plain strings."""
        self._finished = ""
        """No delta of this generation, or of one before it, is of use any more."""

    def admits(self, frame: Frame[Any]) -> bool:
        """Whether the frame is to be looked at; it is counted as seen then.

        A `run_tool` always is: those of a resume come again with their first `seq`, and are
        known by their `tool_id`.
        """
        message = frame.message
        if frame.seq is not None:
            if frame.seq <= self.last_seq and not isinstance(message, RunTool):
                return False
            self.last_seq = max(self.last_seq, frame.seq)
        match message:
            case (
                AgentMessageDelta(generation_id=generation)
                | AgentReasoningDelta(generation_id=generation)
            ):
                if generation < self._newest or generation <= self._finished:
                    return False
                self._newest = generation
            case (
                AgentMessage(generation_id=generation)
                | RunTool(generation_id=generation)
                | UsageCounted(generation_id=generation)
            ) if generation != BOOTSTRAP_GENERATION:
                self._newest = max(self._newest, generation)
                self._finished = max(self._finished, generation)
            case RunFinished():
                self._finished = self._newest
            case _:
                pass
        return True


def _out_of_place(phase: Phase, sender: Role, type_: str) -> str:
    expected = ", ".join(allowed(phase, sender)) or "nothing"
    return f"{type_} from the {sender} while {phase}; expected: {expected}"


def _check_greeting(greeting: Handshake | SessionStarted) -> None:
    if greeting.protocol_version != PROTOCOL_VERSION:
        raise RemoteProtocolError(
            ErrorCode.VERSION,
            f"protocol version {greeting.protocol_version} is not spoken here, only "
            f"{PROTOCOL_VERSION}",
            field="payload.protocol_version",
            close_code=CloseCode.VERSION,
        )
    stated = greeting.limits.max_frame_bytes
    if stated is not None and stated < MIN_FRAME_BYTES:
        raise RemoteProtocolError(
            ErrorCode.BAD_HANDSHAKE,
            f"payload.limits.max_frame_bytes: at least {MIN_FRAME_BYTES}",
            field="payload.limits.max_frame_bytes",
            close_code=CloseCode.BAD_HANDSHAKE,
        )
