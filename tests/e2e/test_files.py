"""Files through the installed commands: images, documents, refused edits, what is asked."""

import asyncio
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
