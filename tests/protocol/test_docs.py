"""docs/protocol.md keeps up with the messages: every frame, field, code and tool is in it."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from protocol.errors import CloseCode, ErrorCode
from protocol.from_executor import FromExecutor
from protocol.from_maestro import EndReason, FromMaestro
from protocol.state import type_name
from protocol.tools import CARRIED_OUT_BY_MAESTRO, CONTRACTS
from tests.protocol.golden import ALL, text_of
from tests.requirements import covers

_ROOT = Path(__file__).resolve().parents[2]
_PAGE = (_ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
_EXECUTORS, _MAESTROS = _PAGE.split("\n## From the maestro\n")
_FOR_WATCHERS_TOO = {"tool_result", "tool_progress", "tool_output_delta", "user_message"}


def section(page: str, title: str) -> str:
    """What stands under one heading."""
    found = re.search(rf"\n### `{title}`[^\n]*\n(.*?)(?=\n##|\Z)", page, re.DOTALL)
    assert found is not None, title
    return found[1]


def fields_in(text: str) -> tuple[list[str], list[str]]:
    """Required and optional fields of the first table in `text`."""
    table = re.search(r"(?:^\|.*\n?)+", text, re.MULTILINE)
    rows = re.findall(r"^\| (\**)`(\w+)`\**", table[0] if table else "", re.MULTILINE)
    return [name for stars, name in rows if stars], [name for stars, name in rows if not stars]


@covers("R-WIRE-15")
@pytest.mark.parametrize(("direction", "name"), [(way, name) for way, name, _ in ALL])
def test_every_golden_frame_is_an_example(direction: str, name: str) -> None:
    assert f"\n{text_of(direction, name)}\n" in _PAGE


@covers("R-WIRE-15")
@pytest.mark.parametrize(
    ("page", "message"),
    [(_EXECUTORS, kind) for kind in get_args(FromExecutor)]
    + [
        (_MAESTROS, kind)
        for kind in get_args(FromMaestro)
        if type_name(kind) not in _FOR_WATCHERS_TOO
    ],
)
def test_every_field_of_a_message_has_its_row(page: str, message: Any) -> None:
    required = len(message.__struct_fields__) - len(message.__struct_defaults__)

    assert fields_in(section(page, type_name(message))) == (
        list(message.__struct_fields__[:required]),
        list(message.__struct_fields__[required:]),
    )


@pytest.mark.parametrize("code", [*ErrorCode, *(str(int(code)) for code in CloseCode)])
def test_every_code_has_its_row(code: str) -> None:
    assert re.search(rf"^\| `?{code}`? \|", _PAGE, re.MULTILINE)


@pytest.mark.parametrize("reason", get_args(EndReason))
def test_every_end_of_a_run_is_listed(reason: str) -> None:
    assert f"`{reason}`" in section(_MAESTROS, "run_finished")


@pytest.mark.parametrize(
    "contract", [tool for tool in CONTRACTS if tool.name not in CARRIED_OUT_BY_MAESTRO]
)
def test_every_parameter_of_a_tool_is_in_its_row(contract: Any) -> None:
    head = rf"^\| `{contract.name}` \| {contract.effect} \| "
    (row,) = re.findall(rf"{head}(.*) \|$", _PAGE, re.MULTILINE)
    schema = contract.schema()
    required = re.findall(r"\*\*`(\w+)`\*\* \(", row)
    optional = re.findall(r"(?<!\*)`(\w+)` \(", row)

    assert (required, [*required, *optional]) == (schema["required"], [*schema["properties"]])


def test_links_to_files_and_headings_lead_somewhere() -> None:
    headings = {
        re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", _PAGE, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", _PAGE):
        if target.startswith("#"):
            assert target[1:] in headings
        else:
            assert (_ROOT / "docs" / target).exists()
