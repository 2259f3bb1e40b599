"""Files through the installed commands: images, documents, refused edits, what is asked."""

import asyncio
import re
from typing import Any

from tests.e2e.machine import Machine
from tests.e2e.test_terminal import on_terminal
from tests.executor.tools.documents import pdf, png
from tests.requirements import covers
from tests.scripted_model import ScriptedModel, call, calls, text

AUTO = ("--mode", "auto", "--no-sandbox")


def _tool_texts(messages: list[dict[str, Any]]) -> list[str]:
    return [message["content"] for message in messages if message["role"] == "tool"]


@covers("R-FILE-8")
async def test_an_image_and_a_document_reach_the_model(machine: Machine) -> None:
    (machine.project / "logo.png").write_bytes(png(padding=2_990_000))
    (machine.project / "a.pdf").write_bytes(pdf(["Words of the page"]))
    script = [
        calls(call("ReadFile", file_path="logo.png"), call("ReadFile", file_path="a.pdf")),
        text("Seen."),
    ]
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        ran = await machine.codegen(*AUTO, "look", CODEGEN_MODEL="openai/gpt-5.2")
        messages = model.requests[1].messages

    assert (ran.code, ran.out) == (0, "Seen.\n")
    logo, document = _tool_texts(messages)
    assert logo.startswith("[logo.png: PNG image, 3 x 2 pixels, 2,990,")
    assert document == "     1\t[page 1 of 1]\n     2\tWords of the page"
    words, image = messages[-1]["content"]
    assert words["text"] == "Images from the tool results above:"
    assert image["image_url"]["url"].startswith("data:image/png;base64,iVBORw0KGgo")


async def test_several_edits_are_made_and_the_syntax_is_told(machine: Machine) -> None:
    (machine.project / "a.py").write_bytes(b"a = 1\r\nb = 2\r\n")
    script = [
        calls(call("ReadFile", file_path="a.py")),
        calls(
            call(
                "Edit",
                file_path="a.py",
                old_string="a = 1",
                new_string="a = (1",
                edits=[{"old_string": "b = 2\n", "new_string": "b = 3\nc = 4\n"}],
            )
        ),
        text("Done."),
    ]
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        ran = await machine.codegen(*AUTO, "edit")
        told = _tool_texts(model.requests[2].messages)[-1]

    assert ran.code == 0
    assert (machine.project / "a.py").read_bytes() == b"a = (1\r\nb = 3\r\nc = 4\r\n"
    assert told.startswith("Edited a.py: 2 passages replaced, 3 lines added, 2 removed.\n[Python ")
    assert "line 1: '(' was never closed" in told


@covers("R-FILE-6")
async def test_the_user_is_asked_about_the_edit_that_can_be_made_and_not_the_other(
    machine: Machine,
) -> None:
    (machine.project / "a.txt").write_text("one\n")
    script = [
        calls(call("ReadFile", file_path="a.txt")),
        calls(call("Edit", file_path="a.txt", old_string="two", new_string="2")),
        calls(call("Edit", file_path="a.txt", old_string="one", new_string="1")),
        text("Made it."),
    ]

    def at_the_terminal() -> tuple[int, bytes]:
        with on_terminal(machine, "edit it") as program:
            program.read_until(b"[y]")
            program.write(b"y")
            program.read_until(b"Made it.")
            return program.read_to_end(), program.output

    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        code, output = await asyncio.to_thread(at_the_terminal)
        told = _tool_texts(model.requests[2].messages)[-1]

    assert (code, (machine.project / "a.txt").read_text()) == (0, "1\n")
    assert told.startswith("Error (no_match)\nold_string was not found in a.txt")
    assert output.count(b"allowed once") == 1


PATCH = """*** Begin Patch
*** Update File: a.txt
@@
-one
+1
*** Update File: b.txt
*** Move to: c/b.txt
@@
-two
+2
*** End Patch"""


@covers("R-FILE-12")
async def test_the_user_sees_a_patch_whole_before_it_lands(machine: Machine) -> None:
    (machine.project / "a.txt").write_text("one\n")
    (machine.project / "b.txt").write_text("two\n")
    script = [
        calls(call("ApplyPatch", patch=PATCH.replace("-two", "-three"))),
        calls(call("ApplyPatch", patch=PATCH)),
        text("Made it."),
    ]

    def at_the_terminal() -> tuple[int, bytes]:
        with on_terminal(machine, "patch it") as program:
            program.read_until(b"[y]")
            program.write(b"y")
            program.read_until(b"Made it.")
            return program.read_to_end(), program.output

    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        code, shown = await asyncio.to_thread(at_the_terminal)
        refused, _ = _tool_texts(model.requests[2].messages)

    assert code == 0
    assert "b.txt, hunk 1 of 1 (line 8 of the patch)" in refused
    asked, _, done = shown.partition(b"allowed once")
    assert all(line.encode() in asked for line in PATCH.splitlines()[1:-1])
    assert b"+2 -2" in re.sub(rb"\x1b\[[0-9;]*m", b"", done)
    assert (machine.project / "c" / "b.txt").read_text() == "2\n"


@covers("R-FILE-13")
async def test_a_patch_whose_codegen_is_killed_half_way_is_finished_when_it_is_resumed(
    machine: Machine,
) -> None:
    (machine.project / "a.txt").write_text("one\n")
    (machine.project / "b.txt").write_text("two\n")
    script = [calls(call("ApplyPatch", patch=PATCH)), text("Made it.")]
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        killed = await machine.codegen(*AUTO, "patch it", CODEGEN_FAILPOINT="renamed:1")
        half = sorted(path.name for path in machine.project.rglob("*.txt"))
        resumed = await machine.codegen(*AUTO, "-c", "go on")
        told = _tool_texts(model.requests[1].messages)

    assert (killed.code, half) == (137, ["a.txt", "b.txt"])
    assert (resumed.code, resumed.out.splitlines()[-1]) == (0, "Made it.")
    assert told[0].startswith("Applied the patch to 2 files:\nmodified a.txt: 1 line added")
    assert told[0].endswith("[A restart of this program came in between; it is done.]")
    assert {
        str(path.relative_to(machine.project)): path.read_text()
        for path in machine.project.rglob("*")
        if path.is_file()
    } == {"a.txt": "1\n", "c/b.txt": "2\n"}
