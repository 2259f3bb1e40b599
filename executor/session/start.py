"""What a session begins with, and the handshake that says so.

Values, and one function from them to a message.
"""

import msgspec

from executor.session.parts import SessionParts
from protocol.from_executor import (
    Handshake,
    ProjectSpec,
    Resume,
    RunWishes,
    Workspace,
)


class NewSession(msgspec.Struct, frozen=True):
    prompt: str


class ResumedSession(msgspec.Struct, frozen=True):
    """The session that the journal belongs to."""

    take_over: bool = False
    """Also when another executor is attached."""


class SessionStart(msgspec.Struct, frozen=True):
    opening: NewSession | ResumedSession
    client_type: str = "cli"
    project_spec: ProjectSpec = msgspec.field(default_factory=ProjectSpec)
    workspace: Workspace = msgspec.field(default_factory=Workspace)
    run: RunWishes = msgspec.field(default_factory=RunWishes)
    model: str = ""
    """What the summary calls the model: a private maestro was told it at its start."""


def handshake(
    start: SessionStart, parts: SessionParts, *, first: bool
) -> tuple[Handshake, str | None]:
    """The handshake for an attachment, `first` of this process or not, and its id.

    Until the session is known, the id is the journal's: sent again after a lost answer, it means
    the same session.
    """
    journal = parts.journal
    match start.opening:
        case NewSession(prompt=prompt):
            take_over = False
        case ResumedSession(take_over=take_over):
            prompt = ""
    known = journal.session_id
    resume = None
    if known is not None:
        # Once only: whoever took the session from us meanwhile keeps it.
        take_over = first and (take_over or journal.must_take_over)
        resume = Resume(known, last_seq=journal.known.last_seq, take_over=take_over)
    message = Handshake(
        client_type=start.client_type,
        initial_prompt=prompt if resume is None else "",
        known_tools=tuple(sorted(parts.tools)),
        custom_tools=tuple(tool.declaration for tool in parts.custom_tools.values()),
        project_spec=start.project_spec,
        workspace=start.workspace,
        run=start.run,
        journal_id=journal.journal_id,
        resume=resume,
    )
    return message, f"open-{journal.journal_id}" if resume is None else None
