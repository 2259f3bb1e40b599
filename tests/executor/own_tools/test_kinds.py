"""The user's own functions: parameters and results of every kind that hints can name."""

import asyncio
import os
from pathlib import Path
from typing import Any

from executor.errors import ToolFailure
from tests.executor.own_tools.test_own_tools import Shelf
from tests.executor.tools.world import World

SOURCE = """
import asyncio, datetime, enum, os, sys
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple, Optional, TypedDict

from executor.own_tools import tool


class Level(enum.Enum):
    LOW = "low"
    HIGH = "high"


@dataclass
class Point:
    x: int
    y: int = 0


class Row(TypedDict):
    name: str


@tool
def total(numbers: list[float], factor: float = 1) -> float:
    return sum(numbers) * factor

@tool
def both(on: bool, off: bool = False) -> bool:
    return on and not off

@tool
def level(at: Literal["low", "high"] = "low") -> str:
    return at

@tool
def named(at: Level) -> str:
    return at.name

@tool
def note(text: Optional[str] = None) -> str | None:
    return text

@tool
def either(key: int | str) -> str:
    return type(key).__name__

@tool
def moved(point: Point) -> Point:
    return Point(point.x + 1, point.y)

@tool
def counted(words: dict[str, int]) -> dict[str, int]:
    return dict(sorted(words.items()))

@tool
def first(rows: list[Row]) -> str:
    return rows[0]["name"]

@tool
def due(day: datetime.date) -> str:
    return (day + datetime.timedelta(days=1)).isoformat()

@tool
async def later(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "later"

@tool
def printed() -> str:
    print("on the way")
    print("and more", file=sys.stderr)
    return "result"

@tool
def quits(code: int) -> str:
    sys.exit(code)

@tool
def dies() -> str:
    os._exit(7)

@tool
def where() -> str:
    return os.getcwd()
"""

CASES: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("total", {"numbers": [1, 2.5]}, "3.5"),
    ("total", {"numbers": [1, 2], "factor": 2}, "6.0"),
    ("total", {"numbers": []}, "0"),
    (
        "total",
        {"numbers": ["1"]},
        "invalid_parameters: total: Expected `float`, got `str` - at `$.numbers[0]`",
    ),
    ("both", {"on": True}, "true"),
    ("both", {"on": True, "off": True}, "false"),
    ("both", {"on": "yes"}, "invalid_parameters: both: Expected `bool`, got `str` - at `$.on`"),
    ("level", {}, "low"),
    ("level", {"at": "high"}, "high"),
    (
        "level",
        {"at": "middle"},
        "invalid_parameters: level: Invalid enum value 'middle' - at `$.at`",
    ),
    ("named", {"at": "high"}, "HIGH"),
    ("named", {"at": "HIGH"}, "invalid_parameters: named: Invalid enum value 'HIGH' - at `$.at`"),
    ("note", {}, ""),
    ("note", {"text": None}, ""),
    ("note", {"text": "grün 日本"}, "grün 日本"),
    ("either", {"key": 1}, "int"),
    ("either", {"key": "a"}, "str"),
    (
        "either",
        {"key": 1.5},
        "invalid_parameters: either: Expected `int | str`, got `float` - at `$.key`",
    ),
    ("moved", {"point": {"x": 1}}, '{"x":2,"y":0}'),
    (
        "moved",
        {"point": {"y": 1}},
        "invalid_parameters: moved: Object missing required field `x` - at `$.point`",
    ),
    ("counted", {"words": {"b": 1, "a": 2}}, '{"a":2,"b":1}'),
    ("first", {"rows": [{"name": "a"}]}, "a"),
    ("first", {"rows": []}, "failed: first failed: IndexError: list index out of range"),
    ("due", {"day": "2024-02-28"}, "2024-02-29"),
    (
        "due",
        {"day": "tomorrow"},
        "invalid_parameters: due: Invalid RFC3339 encoded date - at `$.day`",
    ),
    ("later", {"seconds": 0.01}, "later"),
    ("printed", {}, "result"),
    ("quits", {"code": 0}, "failed: quits failed: SystemExit: 0"),
    ("quits", {"code": 3}, "failed: quits failed: SystemExit: 3"),
    ("dies", {}, "failed: dies failed: exit code 7"),
    ("where", {}, "ROOT"),
)


async def test_functions_take_and_give_what_their_hints_say(tmp_path: Path) -> None:
    world = World(tmp_path, os.environ)
    shelf = Shelf(tmp_path / "own")
    shelf.python(SOURCE)
    found = shelf.found()
    slots = asyncio.Semaphore(4)

    async def told(name: str, parameters: dict[str, Any]) -> str:
        async with slots, asyncio.timeout(60):
            try:
                outcome = await found[name].tool.run(parameters, world.context())
            except ToolFailure as failure:
                return f"{failure.code}: {failure.message}"
        return outcome.text.replace(str(world.root), "ROOT")

    try:
        texts = await asyncio.gather(*(told(name, given) for name, given, _ in CASES))
    finally:
        await world.close()

    for (name, given, expected), text in zip(CASES, texts, strict=True):
        assert (name, given, text) == (name, given, expected)
