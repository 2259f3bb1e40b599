"""A maestro that means ill calls tools of the user's own otherwise than they were offered."""

import asyncio
import shutil
from typing import Any

from tests.e2e.conftest import machine
from tests.e2e.machine import Machine, ended
from tests.e2e.test_own_tools import EXAMPLES
from tests.requirements import covers
from tests.security.evil_maestro.grounds import CANARY, build, outside, planted
from tests.security.evil_maestro.server import evil_maestro

__all__ = ["machine"]

TOOLS = '''
import os
from pathlib import Path
from executor.own_tools import tool

@tool(effect="read")
def known(word: str, count: int = 1) -> str:
    """Says the word."""
    Path(os.environ.get("HOME", "/"), "ran").open("a").write(word + "\\\\n")
    return word * count
'''
REFUSED: tuple[tuple[str, Any], ...] = (
    ("known", {}),
    ("known", {"word": 7}),
    ("known", {"word": ["touch ../outside/owned"]}),
    ("known", {"word": "x", "count": "2"}),
    ("known", {"word": "x", "count": 2.5}),
    ("known", {"word": "x", "effect": "write"}),
    ("known", {"word": "x", "__class__": "x"}),
    ("known", {"word": "«secret:X:0123456789ab»"}),
    ("known", {"word": {"$ref": "file:///etc/passwd"}}),
    ("Known", {"word": "x"}),
    ("known ", {"word": "x"}),
    ("known\0", {"word": "x"}),
    ("../tools/known", {"word": "x"}),
    ("own_tools.known", {"word": "x"}),
    ("__import__", {"name": "os"}),
    ("planted", {}),
)


@covers("R-EVIL-3")
async def test_a_tool_of_the_users_own_runs_as_it_was_offered_or_not_at_all(
    machine: Machine,
) -> None:
    build(machine)
    tools = machine.config_file.parent / "tools"
    tools.mkdir()
    (tools / "mine.py").write_text(TOOLS)
    for place in (machine.project / ".codegen" / "tools", machine.project / "tools"):
        place.mkdir(parents=True)
        (place / "theirs.py").write_text(TOOLS.replace("known", "planted"))
    shutil.copy(EXAMPLES / "tools.toml", machine.project / ".codegen" / "tools.toml")
    before = outside(machine)
    async with evil_maestro() as evil:
        machine.use_server(evil.address, "token-0000")
        over = asyncio.ensure_future(ended(await machine.start("--trust", "do it")))
        victim = await evil.victim()
        handshake = await victim.start()
        offered = [each["name"] for each in handshake["custom_tools"]]
        allowed: list[str] = []
        for number, parameters in enumerate(
            (["x"], "x", None, {"word": 10**30})
        ):  # no frame of the protocol
            await victim.order(f"no{number}", "known", parameters)
        for number, (name, parameters) in enumerate(REFUSED):
            told = await victim.done(f"t{number}", name, parameters, schema={}, effect="read")
            if told["status"] == "success":
                allowed.append(f"{name} {parameters}")
        refused = (machine.folder / "ran").exists()
        as_offered = await victim.done("fine", "known", {"word": "yes", "count": 2})
        (tools / "mine.py").write_text(TOOLS.replace("word * count", f"'{CANARY}'"))
        changed = await victim.done("changed", "known", {"word": "no"})
        await victim.finish()
        assert (await over).code in (0, 3)

    assert offered == ["known"]
    assert (allowed, refused) == ([], False)
    assert (as_offered["status"], as_offered["result"]) == ("success", "yesyes")
    assert changed["status"] == "error"
    assert not any(CANARY in heard for heard in victim.heard)
    after = {path: seen for path, seen in outside(machine).items() if "/config/" not in path}
    del after[str(machine.folder / "ran")]
    assert after == {path: seen for path, seen in before.items() if "/config/" not in path}
    assert planted(machine) == []
