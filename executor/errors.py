"""What goes wrong on this side, each with a message that says what to do.

ExecutorError
├── UsageError           bad flags or configuration: exit 2
├── ServerRefused        the maestro said no (token, version, resume): exit 6
├── ServerUnreachable    no maestro there, or not a maestro: exit 6
├── JournalError         the journal can't be written: nothing with side effects may run
├── SnapshotError        what the agent changed can't be kept or taken back
│   └── ProjectTooBig    more than is kept: only what the file tools change can be taken back
├── OutsideWorkspace     a path that leads out of the project
├── SandboxBroken        a sandbox can't be set up: nothing is run without it
└── ToolFailure          a tool could not do its work; the text is for the model
"""

from protocol.from_executor import ToolStatus


class ExecutorError(Exception):
    """Base of everything that this package raises on purpose; the message is for the user."""


class UsageError(ExecutorError):
    """Bad flags or configuration."""


class ServerRefused(ExecutorError):
    """The maestro said no."""


class ServerUnreachable(ExecutorError):
    """There is no maestro at that address."""


class JournalError(ExecutorError):
    """The journal can't be written."""


class SnapshotError(ExecutorError):
    """What the agent changed can't be kept or taken back."""


class ProjectTooBig(SnapshotError):
    """More than is kept of a project."""


class OutsideWorkspace(ExecutorError):
    """The path leads out of the project."""


class SandboxBroken(ExecutorError):
    """The sandbox can't be set up."""


class ToolFailure(ExecutorError):
    """A tool could not do its work; `message` tells the model what to do next."""

    def __init__(self, code: str, message: str, *, status: ToolStatus = "error") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status: ToolStatus = status


def not_set_up(error: Exception, what: str = "sandbox") -> ToolFailure:
    """What a command comes to that could not be confined."""
    return ToolFailure(
        "not_started", f"The {what} could not be set up, so nothing was run: {error}."
    )
