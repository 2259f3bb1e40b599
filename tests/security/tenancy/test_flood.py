"""A person at their limits does not slow another. `flood` is the long form."""

import statistics
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from pathlib import Path

import pytest

from tests.e2e.team import team
from tests.requirements import covers
from tests.security.tenancy.flood import BOUNDS, REFUSED, WAYS, compared

TURNS = 15
TRIES = 3
"""Of which one must show it: a busy machine slows either half by itself."""
DEFAULTS: Mapping[str, str] = {}


@covers("R-QUOTA-4")
@pytest.mark.parametrize(
    ("bounds", "ways"),
    [
        pytest.param(BOUNDS, REFUSED, id="at lowered bounds"),
        pytest.param(DEFAULTS, tuple(WAYS), id="by every way at the bounds that there are"),
    ],
)
async def test_beside_a_flood_turns_take_less_than_twice_the_time(
    postgres_dsn: str,
    redis_url: str,
    tmp_path: Path,
    bounds: Mapping[str, str],
    ways: Sequence[str],
) -> None:
    ratios: list[float] = []
    with team(tmp_path, postgres_dsn, redis_url) as made:
        async with aclosing(compared(made, TURNS, ways, bounds)) as halves:
            while len(ratios) < TRIES and not any(ratio < 2 for ratio in ratios):
                calm, under_flood = await anext(halves)
                ratios.append(statistics.median(under_flood) / statistics.median(calm))
    assert min(ratios) < 2, ratios
