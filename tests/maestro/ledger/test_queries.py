"""The .sql files of the two dialects: the same questions, and migrations in one order."""

import re
from pathlib import Path

import pytest

from maestro.ledger import queries
from maestro.ledger.queries import Dialect, read_migrations, read_queries

DIALECTS: list[Dialect] = ["sqlite", "postgres"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_migrations_are_numbered_from_one_without_gaps(dialect: Dialect) -> None:
    numbers = [migration.number for migration in read_migrations(dialect)]

    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_query_is_used_and_every_used_one_is_there(dialect: Dialect) -> None:
    sources = Path(queries.__file__).parent.glob("*.py")
    shared = [path for path in sources if path.stem not in DIALECTS]
    own = Path(queries.__file__).with_name(f"{dialect}.py")
    text = "".join(path.read_text() for path in (*shared, own))
    asked = re.findall(r'\.(?:read|run|_fetch)\(\s*"(\w+)"|_queries\[["\'](\w+)["\']\]', text)

    assert {first or second for first, second in asked} == set(read_queries(dialect))
