"""Secrets of a project, from its files to the model and back into files, by the real programs."""

import re

from tests.e2e.machine import KEY, Machine
from tests.requirements import covers
from tests.scripted_model import Recorded, Reply, ScriptedModel, call, calls, text

PASSWORD = "tr0ub4dor-and-3"
TOKEN = "gh" + "p_" + "a1B2c3D4e5F6g7H8i9J0" * 2


def answers(request: Recorded) -> list[str]:
    return [str(each["content"]) for each in request.messages if each["role"] == "tool"]


@covers("R-SECRET-1", "R-SECRET-2")
async def test_a_model_moves_a_secret_that_it_never_sees(machine: Machine) -> None:
    (machine.project / ".env").write_text(f"DB_PASSWORD={PASSWORD}\n")
    (machine.project / "AGENTS.md").write_text(f"Push with {TOKEN}.\n")
    (machine.project / "old.py").write_text(f'connect("ada", "{PASSWORD}")\n')

    def play(request: Recorded) -> Reply:
        told = answers(request)
        if not told:
            return calls(call("ReadFile", file_path="old.py"))
        (placeholder,) = set(re.findall(r"«secret:DB_PASSWORD:[0-9a-f]{12}»", told[0]))
        if len(told) == 1:
            return calls(
                call("WriteFile", file_path="new.py", content=f'PASSWORD = "{placeholder}"\n'),
                call("Shell", command=f"echo {placeholder} > out"),
                call(
                    "Shell", command="cat new.py; printenv OPENAI_API_KEY; echo tr0ub4dor-''and-3"
                ),
            )
        return text("Done.")

    async with ScriptedModel(play) as model:
        machine.use_model(model.base_url)
        ran = await machine.codegen(
            "--trust", "--mode", "auto", "--no-sandbox", "--output-format", "stream-json", "move it"
        )
        seen = str([request.json for request in model.requests])
        last = answers(model.requests[-1])

    assert ran.code == 0, ran.err
    assert (machine.project / "new.py").read_text() == f'PASSWORD = "{PASSWORD}"\n'
    assert not (machine.project / "out").exists()
    assert "put back only where a file is written" in last[2]
    assert "PASSWORD = " in last[3]
    kept = [file for file in machine.folder.rglob("*") if file.is_file()]
    kept = [file for file in kept if machine.project not in file.parents]
    # Local copies for undo, and whole outputs, never leave.
    kept = [file for file in kept if not {"output", "snapshots"} & set(file.parts)]
    for place in (seen, ran.out, ran.err, *(file.read_bytes().decode("latin-1") for file in kept)):
        assert PASSWORD not in place
        assert TOKEN not in place
        assert KEY not in place


async def test_a_directory_that_is_not_trusted_is_not_looked_into_for_secrets(
    machine: Machine,
) -> None:
    (machine.project / ".env").write_text("WORD_TOKEN=harmless-words\n")
    (machine.project / "a.txt").write_text("harmless-words\n")
    script = [calls(call("ReadFile", file_path="a.txt")), text("Done.")]
    async with ScriptedModel(script) as model:
        machine.use_model(model.base_url)
        await machine.codegen("read it")

    assert "harmless-words" in answers(model.requests[1])[0]
