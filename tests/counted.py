"""The tests in which branches are counted, for the rooms that tests/coverage.toml holds to 100 %.

Counting costs the code under test a third of its time, so that all other tests run without it.
"""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
COUNTED_IN = (
    "protocol",
    "executor/policy",
    "executor/redaction",
    "executor/tools",
    "executor/workspace",
    "maestro/edge",
    "contract/ledger/test_accounts.py",
    "security/tenancy/test_quotas.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what is not counted in; without `--cov` the mark means nothing."""
    counted_in = tuple(FOLDER / path for path in COUNTED_IN)
    for item in items:
        if not any(item.path.is_relative_to(path) for path in counted_in):
            item.add_marker("no_cover")
