"""A Jupyter notebook as text: its cells with numbers, sources, and outputs shortened.

Reads the format of nbformat 4 and shows what it finds; changes nothing.
"""

import re
from collections.abc import Iterator
from typing import Any, cast

import msgspec

from executor.workspace.numbered import counted

OUTPUT_LINES = 30
OUTPUT_CHARACTERS = 4000
"""Of one output."""
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class _Cell(msgspec.Struct, frozen=True):
    cell_type: str
    source: str | list[str] = ""
    execution_count: int | None = None
    outputs: list[dict[str, Any]] = []


class _Notebook(msgspec.Struct, frozen=True):
    cells: list[_Cell]
    nbformat: int = 4


def notebook_text(content: str) -> str | None:
    """The cells of the notebook whose JSON is `content`; None if it is none that can be read."""
    try:
        notebook = msgspec.json.decode(content, type=_Notebook)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    rows = [f"[{counted(len(notebook.cells), 'cell')}]"]
    for number, cell in enumerate(notebook.cells, start=1):
        rows += ["", f"[{_head(number, cell)}]", *_joined(cell.source).splitlines()]
        for output in cell.outputs:
            rows += _output(output)
    return "\n".join(rows) + "\n"


def _head(number: int, cell: _Cell) -> str:
    run = f", run as {cell.execution_count}" if cell.execution_count is not None else ""
    return f"cell {number}, {cell.cell_type}{run}"


def _output(output: dict[str, Any]) -> Iterator[str]:
    kind = output.get("output_type", "output")
    match kind:
        case "stream":
            yield f"[{output.get('name', 'output')}]"
            yield from _shortened(_joined(output.get("text")))
        case "error":
            yield "[error]"
            trace = "\n".join(_strings(output.get("traceback")))
            yield from _shortened(trace or f"{output.get('ename')}: {output.get('evalue')}")
        case _:
            yield f"[{str(kind).replace('_', ' ')}]"
            yield from _of_several_forms(output.get("data"))


def _of_several_forms(forms: Any) -> Iterator[str]:
    """The plain text of an output, and which other forms it has."""
    if not isinstance(forms, dict):
        return
    known = cast("dict[str, Any]", forms)
    yield from _shortened(_joined(known.get("text/plain")))
    others = [f"{form}, {len(_joined(value)):,} characters" for form, value in known.items()
              if form != "text/plain"]  # fmt: skip
    if others:
        yield f"[also as {'; '.join(others)}]"


def _shortened(text: str) -> Iterator[str]:
    """Head and tail of an output, without colours, and how much is between them."""
    plain = _COLOURS.sub("", text)
    lines = plain[:OUTPUT_CHARACTERS].splitlines()
    if len(lines) > OUTPUT_LINES:
        yield from lines[:OUTPUT_LINES]
        yield f"[{len(plain.splitlines()) - OUTPUT_LINES:,} more lines of this output]"
    else:
        yield from lines
        if len(plain) > OUTPUT_CHARACTERS:
            yield f"[{len(plain) - OUTPUT_CHARACTERS:,} more characters of this output]"


def _joined(text: Any) -> str:
    """Notebooks keep a text whole, or as a list of its lines."""
    return text if isinstance(text, str) else "".join(_strings(text))


def _strings(value: Any) -> list[str]:
    return [str(one) for one in cast("list[Any]", value)] if isinstance(value, list) else []
