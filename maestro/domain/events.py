"""What can happen in a session: one frozen struct per kind of ledger row.

Data only. The fold over them is in `transcript`, their projection to frames in `frames`.

Facts come from sockets and carry a key and the socket's epoch. Decisions come from the step, are
compare-and-set on the session's `decision` counter, and record `basis`, the seq they had read.
"""

from typing import Literal

import msgspec

from protocol.from_executor import (
    NO_METADATA,
    CustomTool,
    ProjectSpec,
    ResultMetadata,
    RunWishes,
    ToolError,
    ToolStatus,
    Workspace,
)
from protocol.from_maestro import EndReason, Outcome
from protocol.wire import Content, JsonObject, PlanStep, Usage

EVENT_VERSION = 1
"""Written with each row. A fold that meets a higher one leaves the session to a newer worker."""

MAESTRO = "maestro"
"""The `bound_to` of a call that the maestro answers itself."""


class Event(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind"):
    """Base of every event; the struct's tag is the row's `kind`, its fields the row's body."""


# Facts


class SessionOpened(Event, frozen=True, tag="session_opened"):
    client_type: str
    project_spec: ProjectSpec = ProjectSpec()
    workspace: Workspace = Workspace()


class ExecutorAttached(Event, frozen=True, tag="executor_attached"):
    epoch: int
    journal_id: str | None
    known_tools: tuple[str, ...] = ()
    """Names of built-in tools that this executor knows, as accepted."""
    custom_tools: tuple[CustomTool, ...] = ()
    max_frame_bytes: int | None = None
    """The largest frame that it reads; None: it did not say."""


class ExecutorLost(Event, frozen=True, tag="executor_lost"):
    epoch: int


class UserSaid(Event, frozen=True, tag="user_said"):
    message_id: str
    content: str
    attachments: tuple[Content, ...] = ()
    run: RunWishes = RunWishes()
    via: Literal["executor", "rest"] = "executor"


class CallWaiting(Event, frozen=True, tag="call_waiting"):
    """A human is being asked (the run's clocks stop), or was, and the call has started."""

    tool_id: str
    state: Literal["asking", "started"]


class ToolAnswered(Event, frozen=True, tag="tool_answered"):
    tool_id: str
    generation_id: str
    status: ToolStatus
    result: str
    error: ToolError | None = None
    content: tuple[Content, ...] = ()
    metadata: ResultMetadata = NO_METADATA


class GenerationDropped(Event, frozen=True, tag="generation_dropped"):
    """What a generation cost that an interrupt or a takeover voided."""

    generation_id: str
    usage: Usage


class Interrupted(Event, frozen=True, tag="interrupted"):
    """The user wants the run to stop. A fact, but it raises `decision` as decisions do."""

    reason: str = ""
    by: Literal["executor", "rest"] = "executor"


class Rewound(Event, frozen=True, tag="rewound"):
    """The conversation goes back to where it stood after `to_seq`; the rows between stay.

    Written while no run is open. A fact that raises `decision`, as Interrupted does.
    """

    to_seq: int
    """Of a RunEnded, or 0: before anything was said."""


class Forked(Event, frozen=True, tag="forked"):
    """The rows before this one are a copy of another session's."""

    session_id: str


# Decisions


class BootstrapAsked(Event, frozen=True, tag="bootstrap_asked"):
    """The context calls follow as ToolAsked rows of the same append."""

    basis: int


class ModelReplied(Event, frozen=True, tag="model_replied"):
    """One generation's text; its calls follow as ToolAsked rows of the same append."""

    generation_id: str
    basis: int
    text: str
    reasoning: str = ""
    """Opaque to us; given back to providers that want it, capped."""
    model: str = ""
    finish: str = "stop"
    note: str = ""
    """Told to the model as a user message behind this reply (empty answer, cut by length)."""


class ToolAsked(Event, frozen=True, tag="tool_asked"):
    tool_id: str
    generation_id: str
    tool_name: str
    parameters: JsonObject
    provider_id: str = ""
    """The model's own id of this call, where the provider wants it back."""
    raw_arguments: str | None = None
    """What the model wrote, when it was not an object that fits the schema."""
    bound_to: str | None = None
    """The journal_id that may answer, or `maestro`. For an executor's call the append itself
    writes what the session's row holds at that moment, whatever stands here."""


class UsageCounted(Event, frozen=True, tag="usage_counted"):
    generation_id: str
    usage: Usage


class PlanChanged(Event, frozen=True, tag="plan_changed"):
    steps: tuple[PlanStep, ...]


class ModelFailed(Event, frozen=True, tag="model_failed"):
    generation_id: str
    code: str
    message: str


class CallCancelled(Event, frozen=True, tag="call_cancelled"):
    """One row a call, so that one row is one `cancel_tool`."""

    tool_id: str
    basis: int
    closes: bool = False
    """True for bootstrap calls: closed at once. Others wait for their answer or the run's end."""


class Compacted(Event, frozen=True, tag="compacted"):
    """All that a cold fold needs of the rows before it. Written by a later version."""

    basis: int
    summary: str


class RunParked(Event, frozen=True, tag="run_parked"):
    basis: int
    reason: Literal["executor_away", "rate_limited", "poison"]
    wake_at: float | None = None
    """Unix time, seconds."""
    why: str = ""
    """For the user, where there is more to say than the reason."""


class RunWoken(Event, frozen=True, tag="run_woken"):
    basis: int


class RunEnded(Event, frozen=True, tag="run_ended"):
    basis: int
    run: int
    outcome: Outcome
    reason: EndReason
    summary: str = ""
    usage: Usage = Usage()


Fact = (
    SessionOpened
    | ExecutorAttached
    | ExecutorLost
    | UserSaid
    | CallWaiting
    | ToolAnswered
    | GenerationDropped
    | Interrupted
    | Rewound
    | Forked
)
Decision = (
    BootstrapAsked
    | ModelReplied
    | ToolAsked
    | UsageCounted
    | PlanChanged
    | ModelFailed
    | CallCancelled
    | Compacted
    | RunParked
    | RunWoken
    | RunEnded
)
AnyEvent = Fact | Decision


class StoredEvent(msgspec.Struct, frozen=True):
    """One row of the ledger."""

    seq: int
    key: str
    event: AnyEvent
    at: float
    """When it was committed, by the database's clock: Unix time, seconds."""
