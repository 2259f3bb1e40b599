"""The golden frames: each file of tests/golden beside the frame that it must be.

A change here, or there, is a change of the wire.
"""

from pathlib import Path
from typing import Any, Final

from protocol.errors import ErrorCode
from protocol.from_executor import (
    CustomTool,
    ExecutorError,
    FromExecutor,
    Handshake,
    Interrupt,
    ProjectSpec,
    ResultMetadata,
    Resume,
    RunLimits,
    RunWishes,
    ToolError,
    ToolOutputDelta,
    ToolProgress,
    ToolResult,
    UserMessage,
    Workspace,
)
from protocol.from_maestro import (
    Accepted,
    AgentMessage,
    AgentMessageDelta,
    AgentReasoningDelta,
    CancelTool,
    ErrorReported,
    FromMaestro,
    PlanUpdated,
    RejectedTool,
    RunFinished,
    RunTool,
    SessionEvent,
    SessionStarted,
    StatusChanged,
    UsageCounted,
)
from protocol.wire import (
    FileChange,
    Frame,
    FrameLimits,
    FrameMetadata,
    ImageContent,
    PlanStep,
    TextContent,
    Usage,
)

FOLDER: Final = Path(__file__).resolve().parents[1] / "golden"

_GENERATION: Final = "r1-000002-000001"
_AT: Final = "2026-11-21T09:30:00.000+00:00"

FROM_EXECUTOR: Final[dict[str, Frame[FromExecutor]]] = {
    "handshake": Frame(
        Handshake(
            client_type="cli",
            initial_prompt="crie um endpoint REST",
            known_tools=("Shell", "ReadFile", "WriteFile", "Edit"),
            custom_tools=(),
            project_spec=ProjectSpec("...", ("src/", "package.json")),
        )
    ),
    "handshake_full": Frame(
        Handshake(
            client_type="cli",
            initial_prompt="Add a --json flag to the report command",
            known_tools=("GetWorkingDirectory", "ReadFile", "ReadFolder", "Edit", "Shell"),
            custom_tools=(
                CustomTool(
                    name="QueryCatalog",
                    description="Looks a product up by its number.",
                    parameters={
                        "type": "object",
                        "properties": {"number": {"type": "integer"}},
                        "required": ["number"],
                    },
                    effect="read",
                ),
            ),
            project_spec=ProjectSpec("Run the tests with make test.", ("src/report.py",)),
            workspace=Workspace("Linux", "bash", "git"),
            attachments=(TextContent("The flag is wanted by Friday."),),
            run=RunWishes(mode="ask", limits=RunLimits(max_steps=40, max_cost=2.5)),
            journal_id="3f0c9a52e1b74d6c",
            limits=FrameLimits(max_frame_bytes=4194304),
        ),
        id="hs-1",
        timestamp=_AT,
        metadata=FrameMetadata("0.1.0", "codegen", "ada"),
    ),
    "handshake_resume": Frame(
        Handshake(
            client_type="cli",
            initial_prompt="",
            known_tools=("ReadFile", "Shell"),
            journal_id="3f0c9a52e1b74d6c",
            resume=Resume("s_7Q2M", 41),
        ),
        id="hs-2",
    ),
    "tool_result": Frame(ToolResult("c_01", "success", "3 passed", "g_01")),
    "tool_result_full": Frame(
        ToolResult(
            tool_id="c_02",
            status="success",
            result="Edited src/report.py: 1 place.",
            generation_id=_GENERATION,
            content=(ImageContent("image/png", "iVBORw0KGgo="),),
            metadata=ResultMetadata(
                duration_ms=12,
                changes=(FileChange("src/report.py", "modified", 2, 1),),
                diff="--- a/src/report.py\n+++ b/src/report.py\n",
            ),
        )
    ),
    "tool_result_failed": Frame(
        ToolResult(
            tool_id="c_03",
            status="error",
            result="src/raport.py does not exist. Did you mean src/report.py?",
            generation_id=_GENERATION,
            error=ToolError("not_found", "src/raport.py"),
        )
    ),
    "tool_progress": Frame(ToolProgress("c_04", "asking")),
    "tool_output_delta": Frame(ToolOutputDelta("c_04", 0, "stdout", "collected 3 items\n")),
    "user_message": Frame(UserMessage("Use argparse, not click."), id="um-1"),
    "interrupt": Frame(Interrupt("the user pressed Ctrl-C"), id="in-1"),
    "error": Frame(ExecutorError("bad_frame", "payload.tool_id: missing", "payload.tool_id")),
}

FROM_MAESTRO: Final[dict[str, Frame[FromMaestro]]] = {
    "session_started": Frame(
        SessionStarted(
            session_id="s_7Q2M",
            run_id="r1",
            epoch=1,
            limits=FrameLimits(4194304, 1048576),
            tools_accepted=("Shell", "ReadFile", "QueryCatalog"),
            tools_rejected=(RejectedTool("Shell2!", "the name does not match"),),
        )
    ),
    "session_started_resumed": Frame(
        SessionStarted("s_7Q2M", "r1", resumed=True, epoch=2, tools_accepted=("ReadFile",))
    ),
    "run_tool": Frame(
        RunTool("Shell", "c_01", "g_01", {"command": "pytest -q"}),
    ),
    "run_tool_bootstrap": Frame(
        RunTool("ReadFolder", "c_00", "bootstrap", {"dir_path": "."}),
        seq=4,
        timestamp=_AT,
    ),
    "cancel_tool": Frame(CancelTool("c_04"), seq=17),
    "accepted_message": Frame(Accepted(id="um-1", of_seq=17)),
    "accepted_result": Frame(Accepted(tool_id="c_01")),
    "agent_message_delta": Frame(AgentMessageDelta("g_01", "I will read ")),
    "agent_message_delta_indexed": Frame(AgentMessageDelta(_GENERATION, "the tests.", 1)),
    "agent_reasoning_delta": Frame(AgentReasoningDelta(_GENERATION, "The flag is parsed in", 3)),
    "agent_message": Frame(AgentMessage(_GENERATION, "I will read the tests."), seq=9),
    "user_message": Frame(UserMessage("Use argparse, not click."), id="um-1", seq=21),
    "tool_result": Frame(
        ToolResult("c_01", "success", "3 passed", _GENERATION, truncated=True), seq=12
    ),
    "tool_progress": Frame(ToolProgress("c_04", "started"), seq=15),
    "tool_output_delta": Frame(ToolOutputDelta("c_04", 1, "stderr", "warning: slow\n")),
    "plan_updated": Frame(
        PlanUpdated((PlanStep("Read the command", "done"), PlanStep("Add the flag", "active"))),
        seq=10,
    ),
    "status": Frame(StatusChanged("running", 40, "Edit")),
    "usage": Frame(UsageCounted(_GENERATION, 5120, 4096, 310, 128, 0.0123), seq=11),
    "run_finished": Frame(
        RunFinished(
            "success",
            "completed",
            "report takes --json; the tests pass.",
            Usage(20480, 16384, 1240, 512, 0.05),
        ),
        seq=33,
    ),
    "session_event": Frame(SessionEvent("executor_attached", "epoch 2"), seq=22),
    "error": Frame(
        ErrorReported(
            ErrorCode.UNKNOWN_CALL, "no such call in this session", tool_id="c_99", id="tr-9"
        )
    ),
}


def text_of(direction: str, name: str) -> str:
    """A golden file's frame."""
    return (FOLDER / direction / f"{name}.json").read_text(encoding="utf-8").removesuffix("\n")


ALL: Final[list[tuple[str, str, Frame[Any]]]] = [
    *(("from_executor", name, frame) for name, frame in FROM_EXECUTOR.items()),
    *(("from_maestro", name, frame) for name, frame in FROM_MAESTRO.items()),
]
"""Direction, name, frame."""
