"""Everything that can go wrong on the wire, with the code that names it and the code that closes.

Blame is in the type: a local error is our own bug, a remote one is answered to the peer.

    ProtocolError
    ├── LocalProtocolError     we were about to break the contract
    └── RemoteProtocolError    the peer broke it; `code`, `field`, `close_code` say how
"""

from enum import IntEnum, StrEnum


class ErrorCode(StrEnum):
    """The closed list of `error.code`."""

    BAD_FRAME = "bad_frame"
    BAD_HANDSHAKE = "bad_handshake"
    BAD_STATE = "bad_state"
    UNKNOWN_TOOL = "unknown_tool"
    UNKNOWN_CALL = "unknown_call"
    INVALID_PARAMETERS = "invalid_parameters"
    TOO_LARGE = "too_large"
    NOT_ALLOWED = "not_allowed"
    RATE_LIMITED = "rate_limited"
    VERSION = "version"
    ALREADY_ATTACHED = "already_attached"
    RESUME_REFUSED = "resume_refused"
    UNKNOWN_SEQ = "unknown_seq"
    MODEL_ERROR = "model_error"
    INTERNAL = "internal"


class CloseCode(IntEnum):
    """WebSocket close codes: RFC 6455 section 7.4.1, and ours from 4000 on."""

    NORMAL = 1000
    BINARY = 1003
    TOO_LARGE = 1009
    SERVICE_RESTART = 1012
    BAD_HANDSHAKE = 4000
    BAD_STATE = 4001
    VERSION = 4003
    SILENT = 4008
    ATTACHED_ELSEWHERE = 4009
    TOO_MANY = 4029


class ProtocolError(Exception):
    """The wire contract was broken."""


class LocalProtocolError(ProtocolError):
    """This side was about to send what its state does not allow: a bug here, not the peer's."""


class RemoteProtocolError(ProtocolError):
    """The peer sent what the contract does not allow.

    `field` is the path of the offending field (`payload.tool_id`), where there is one.
    `close_code` is None when the connection lives on after the `error` frame. `frame_id` and
    `tool_id` are those of the frame that was refused, where they could be read.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        field: str | None = None,
        close_code: CloseCode | None = None,
        frame_id: str | None = None,
        tool_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.close_code = close_code
        self.frame_id = frame_id
        self.tool_id = tool_id
