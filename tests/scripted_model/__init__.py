"""A model provider for tests: real HTTP, real streaming, answers from a script and nothing else.

```python
async with ScriptedModel([calls(call("Shell", command="ls")), text("There is ", "one file.")]) as m:
    ...  # point a client at m.base_url, any key
    assert m.requests[1].roles == ["system", "user", "assistant", "tool"]
```

`script` has the words of a script, `server` the server; `python -m tests.scripted_model` runs it.
"""

from tests.scripted_model.script import (
    Call,
    Fail,
    Raw,
    Reply,
    Say,
    Script,
    ShellSteps,
    call,
    calls,
    cut,
    delayed,
    drip,
    error,
    events,
    gzipped,
    hang,
    held,
    raw,
    reasoning,
    text,
)
from tests.scripted_model.server import Recorded, ScriptedModel

__all__ = [
    "Call",
    "Fail",
    "Raw",
    "Recorded",
    "Reply",
    "Say",
    "Script",
    "ScriptedModel",
    "ShellSteps",
    "call",
    "calls",
    "cut",
    "delayed",
    "drip",
    "error",
    "events",
    "gzipped",
    "hang",
    "held",
    "raw",
    "reasoning",
    "text",
]
