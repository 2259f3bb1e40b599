"""Short runs to look at on a terminal, by name: what is shown, asked, and waited for.

Values only; `stage` plays them.
"""

from dataclasses import dataclass

from executor.view.port import (
    CallFinished,
    CallOutput,
    CallStarted,
    Connection,
    Notice,
    Question,
    RunSummary,
    Shown,
)
from protocol.from_maestro import (
    AgentMessage,
    AgentMessageDelta,
    PlanUpdated,
    RunFinished,
    SessionStarted,
    StatusChanged,
)
from protocol.wire import FileChange, PlanStep, Usage


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The question that was asked last is not to be answered any more."""


@dataclass(frozen=True, slots=True)
class Wait:
    """For this long, or until a signal comes."""

    seconds: float | None = None


Act = Shown | Question | Withdraw | Wait

STARTED = SessionStarted("s-1", "r-1")
ENDED = RunSummary(
    "s-1", RunFinished("success", "completed"), 3.0, Usage(1000, 0, 20), text="Done."
)
QUESTION = Question(
    tool_id="t9",
    tool_name="Shell",
    title="Shell pytest -q",
    why="it is not known to only look",
    body="pytest -q tests\n(at most 120 s)",
    remember='commands like "pytest"',
)
SEQUENCES = (
    "\x1b[2J\x1b[H",  # clear
    "\x1b]0;title\x07",
    "\x1b]52;c;aGk=\x07",  # clipboard
    "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "\x1b[31mred\x1b[0m",
    "\x1b[?25l\x1b[?1049h",  # cursor, alternate screen
    "\x1bP+q544e\x1b\\\x1b[6n\x1b[c",  # queries that type an answer
    "\x9b31m\x9d0;t\x9c",
    "over\rwritten\x08\x7f",
    "\u202egnp.exe\u2066x\u2069",
    "\U000e0041\u200b\ufeff",
    "[bold red]markup[/] [link=http://evil.example]x[/link]",
)
EVIL = " ".join(SEQUENCES)


def _diff(lines: int) -> str:
    added = "".join(f"+line {number}\n" for number in range(lines))
    return f"--- /dev/null\n+++ a.py\n@@ -0,0 +1,{lines} @@\n{added}"


SCENES: dict[str, tuple[Act, ...]] = {
    "work": (
        STARTED,
        AgentMessageDelta("g1", "I'll look **first**.\n\n- one\n- tw"),
        AgentMessage("g1", "I'll look **first**.\n\n- one\n- two\n"),
        CallStarted("t1", "ReadFile", "ReadFile src/a.py"),
        CallFinished("t1", "ReadFile", "ReadFile src/a.py", "success", 0.01),
        CallFinished(
            "t2",
            "Edit",
            "Edit src/a.py",
            "success",
            0.2,
            changes=(FileChange("src/a.py", "modified", 1, 1),),
            diff="--- src/a.py\n+++ src/a.py\n@@ -3,2 +3,2 @@\n a = 1\n-b = 1\n+b = 2\n",
        ),
        CallStarted("t3", "Shell", "Shell make test"),
        CallOutput("t3", "stdout", "one\ntwo\n"),
        CallOutput("t3", "stderr", "make: *** [test] Error 1\n"),
        CallFinished("t3", "Shell", "Shell make test", "success", 1.25, "exit 2"),
        PlanUpdated((PlanStep("look", "done"), PlanStep("mend", "skipped"))),
        ENDED,
    ),
    "live": (
        STARTED,
        CallStarted("t1", "Shell", "Shell make"),
        CallStarted("t2", "Grep", "Grep needle in src"),
        CallOutput("t1", "stdout", "compiling a.c\ncompiling b.c\n"),
        PlanUpdated((PlanStep("look", "done"), PlanStep("mend", "active"), PlanStep("test"))),
        AgentMessageDelta("g2", "Meanwhile I wri"),
        Wait(),
    ),
    "printed": (
        STARTED,
        CallFinished("t1", "ReadFile", "ReadFile one.py", "success", 0.01),
        CallFinished("t2", "ReadFile", "ReadFile two.py", "success", 0.01),
        CallStarted("t3", "Shell", "Shell make"),
        CallOutput("t3", "stdout", "a\nb\nc\n"),
        Wait(),
    ),
    "waiting": (
        STARTED,
        StatusChanged("waiting", step="rate_limited until 12:30"),
        Wait(0.6),
        Connection("reconnecting", "wss://maestro.example", 12.0, "no route"),
        Wait(),
    ),
    "again": (
        STARTED,
        AgentMessageDelta("g1", "The first half.\n\nThe sec"),
        Wait(0.5),
        AgentMessageDelta("g2", "Another beginning.\n"),
        AgentMessageDelta("g1", "late and lost"),
        AgentMessage("g2", "Another beginning.\n\nAnd its end."),
        ENDED,
    ),
    "evil": (
        STARTED,
        *(AgentMessageDelta("g1", char) for char in EVIL),
        AgentMessage("g1", f"{EVIL}\n\n&#27;[2J &#x202e; &lrm;\n\n```\n{EVIL}\n```\n"),
        CallStarted("t1", EVIL, EVIL),
        CallOutput("t1", "stdout", EVIL),
        CallFinished("t1", EVIL, EVIL, "error", 0.1, EVIL, diff=f"@@ -1 +1 @@\n-{EVIL}\n+{EVIL}\n"),
        PlanUpdated((PlanStep(EVIL, "active"),)),
        StatusChanged("waiting", step=EVIL),
        Connection("reconnecting", EVIL, 1.0, EVIL),
        Notice(EVIL),
        Wait(0.3),
        RunSummary(
            EVIL,
            RunFinished("error", "failed", EVIL),
            1.0,
            Usage(),
            changes=(FileChange(EVIL, "created", 1, 0),),
        ),
    ),
    "ask": (STARTED, QUESTION),
    "ask-at-once": (STARTED, AgentMessage("g1", "I want to test it."), QUESTION),
    "ask-twice": (STARTED, QUESTION, Wait(0.8), Withdraw(), QUESTION),
    "ask-evil": (
        STARTED,
        Question("t1", EVIL, EVIL, EVIL, f"{EVIL}\nrm -rf build", EVIL),
    ),
    "ask-long": (
        STARTED,
        Question(
            "t1",
            "WriteFile",
            "WriteFile a.py",
            "it writes",
            "\n".join(("a.py", *(f"+line {number}" for number in range(60)))),
        ),
    ),
    "diff": (
        STARTED,
        CallFinished("t1", "WriteFile", "WriteFile a.py", "success", 0.1, diff=_diff(60)),
        ENDED,
    ),
    "flood": (STARTED, *(AgentMessageDelta("g1", "word ") for _ in range(20_000)), ENDED),
    "hang": (STARTED, AgentMessageDelta("g1", "begun"), Wait()),
}
