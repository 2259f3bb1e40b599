"""Play a canned run through the terminal view, as fast as a real one.

`python -m tests.terminal.gallery [--fast] [--ask]`; asks one question when told to.
"""

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import Iterator

from executor.view.closing import Header
from executor.view.opening import open_view
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
    AgentReasoningDelta,
    PlanUpdated,
    RunFinished,
    SessionStarted,
    StatusChanged,
)
from protocol.wire import FileChange, PlanStep, Usage

HEADER = Header("private maestro", "openai/gpt-5", "ask", "~/src/reports")
PLAN = ("Read the report command", "Add the --json flag", "Test it")
FIRST = """I'll look at the command and its tests first, then add the flag.

The report is built in `build_report()`; two things follow from that:

- the **text** layout stays as it is,
- `--json` prints the same figures, so both must come from *one* place.
"""
SECOND = """## What changed

`--json` prints one object, with the same figures as the table:

```python
def report_json(report: Report) -> str:
    \"\"\"One object, keys sorted, ready for jq.\"\"\"
    return json.dumps(asdict(report), sort_keys=True)
```

| Format | Flag     | Rows |
|--------|----------|-----:|
| table  | (none)   |   12 |
| JSON   | `--json` |   12 |

1. Both come from `build_report()`.
2. An empty report is `{}` and not an error, see the
   [decision](https://example.com/adr/7).
"""
DIFF = """\
--- src/report.py
+++ src/report.py
@@ -12,4 +12,6 @@
 @app.command()
-def report(since: date) -> None:
-    print(table(build_report(since)))
+def report(since: date, json: bool = False) -> None:
+    \"\"\"Print the report, as a table or as JSON.\"\"\"
+    built = build_report(since)
+    print(report_json(built) if json else table(built))
 def build_report(since: date) -> Report:
"""
CHANGE = FileChange("src/report.py", "modified", 4, 2)
QUESTION = Question(
    tool_id="t9",
    tool_name="Shell",
    title="Shell pytest -q",
    why="it is not known to only look",
    body="pytest -q tests/test_report.py\n(at most 120 s)",
    remember='commands like "pytest"',
)
SUMMARY = RunSummary(
    session_id="s-0000",
    finished=RunFinished("success", "completed"),
    seconds=41.2,
    usage=Usage(18_204, 15_872, 1_310, 256, 0.0312),
    changes=(CHANGE, FileChange("tests/test_report.py", "created", 18, 0)),
    commands=2,
    text=SECOND,
    model="openai/gpt-5",
)

Step = tuple[float, Shown | Question]
"""Seconds to wait, then what comes."""


def plan(active: int) -> PlanUpdated:
    """The steps before `active` are done."""
    return PlanUpdated(
        tuple(
            PlanStep(title, "done" if at < active else "active" if at == active else "pending")
            for at, title in enumerate(PLAN)
        )
    )


def words(generation: str, text: str, seconds: float = 0.02) -> Iterator[Step]:
    """`text` in deltas of a few characters, then whole."""
    rng = random.Random(text)
    at = 0
    while at < len(text):
        size = rng.randint(2, 9)
        yield seconds, AgentMessageDelta(generation, text[at : at + size])
        at += size
    yield 0.0, AgentMessage(generation, text)


def run(*, ask: bool) -> Iterator[Step]:
    yield 0.0, Notice("not trusted: AGENTS.md and .codegen/ are not read (codegen --trust)")
    yield 0.0, Connection("connecting", "private maestro")
    yield 0.3, Connection("connected", "private maestro")
    yield 0.0, SessionStarted("s-0000", "r1")
    yield 0.2, StatusChanged("running", step="gathering context")
    yield 0.5, AgentReasoningDelta("g1", "The user wants a flag. I should look at the command ")
    yield 0.4, AgentReasoningDelta("g1", "before I decide where the figures come from.")
    yield from words("g1", FIRST)
    yield 0.2, plan(0)
    yield 0.1, CallStarted("t1", "ReadFile", "ReadFile src/report.py")
    yield 0.0, CallStarted("t2", "Grep", "Grep build_report in src")
    yield 0.0, CallStarted("t3", "ReadFile", "ReadFile tests/test_report.py")
    yield 0.3, CallFinished("t1", "ReadFile", "ReadFile src/report.py", "success", 0.02)
    yield 0.2, CallFinished("t2", "Grep", "Grep build_report in src", "success", 0.11)
    yield (
        0.1,
        CallFinished(
            "t3",
            "ReadFile",
            "ReadFile tests/test_report.py",
            "error",
            0.01,
            "there is no such file",
        ),
    )
    yield 0.4, plan(1)
    yield 0.4, CallStarted("t4", "Edit", "Edit src/report.py")
    yield (
        0.2,
        CallFinished(
            "t4", "Edit", "Edit src/report.py", "success", 0.03, changes=(CHANGE,), diff=DIFF
        ),
    )
    yield 0.3, plan(2)
    if ask:
        yield 0.2, QUESTION
    yield 0.2, CallStarted("t5", "Shell", "Shell pytest -q tests/test_report.py")
    for line in ("collected 7 items", "tests/test_report.py ....F.", "FAILED test_empty"):
        yield 0.5, CallOutput("t5", "stdout", f"{line}\n")
    yield 0.5, CallOutput("t5", "stdout", "1 failed, 6 passed in 1.9s\n")
    yield (
        0.3,
        CallFinished(
            "t5", "Shell", "Shell pytest -q tests/test_report.py", "success", 2.3, "exit 1"
        ),
    )
    yield from words("g2", SECOND)
    yield 0.2, plan(3)
    yield 0.3, SUMMARY


async def play(*, fast: bool, ask: bool) -> None:
    view = open_view(
        "text",
        stdin=sys.stdin,
        stdout=sys.stdout,
        stderr=sys.stderr,
        environment=os.environ,
        header=HEADER,
        hint="codegen -c goes on from here",
    )
    this = asyncio.current_task()
    assert this is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, this.cancel)
    try:
        for seconds, shown in run(ask=ask):
            await asyncio.sleep(0.0 if fast else seconds)
            if isinstance(shown, Question):
                await view.ask(shown)
            else:
                view.show(shown)
    finally:
        view.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--fast", action="store_true", help="without the pauses")
    parser.add_argument("--ask", action="store_true", help="with a question")
    arguments = parser.parse_args()
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(play(fast=arguments.fast, ask=arguments.ask))
