"""What tests of processes share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    """A handle of an empty folder."""
    handle = os.open(tmp_path, os.O_RDONLY)
    yield handle
    os.close(handle)
