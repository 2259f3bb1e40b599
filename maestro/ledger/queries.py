"""Read a dialect's named queries and numbered migrations from the .sql files beside this module.

Runs nothing: the two database modules do.
"""

import re
from pathlib import Path
from typing import Literal

import msgspec

Dialect = Literal["sqlite", "postgres"]

_FOLDER = Path(__file__).parent / "sql"
_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_MIGRATION = re.compile(r"^(\d{4})_\w+\.sql$")


class Migration(msgspec.Struct, frozen=True):
    number: int
    name: str
    """The file's name."""
    sql: str


def read_queries(dialect: Dialect) -> dict[str, str]:
    """SQL by name, from `sql/{dialect}/queries.sql`."""
    text = (_FOLDER / dialect / "queries.sql").read_text(encoding="utf-8")
    _, *parts = _NAME.split(text)
    return {name: sql.strip() for name, sql in zip(parts[::2], parts[1::2], strict=True)}


def read_migrations(dialect: Dialect) -> tuple[Migration, ...]:
    """In the order in which they are applied; numbered from 1 without gaps."""
    return tuple(
        Migration(int(match[1]), path.name, path.read_text(encoding="utf-8"))
        for path in sorted((_FOLDER / dialect).iterdir())
        if (match := _MIGRATION.match(path.name))
    )
