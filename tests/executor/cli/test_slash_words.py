"""What stands behind `/undo` and `/redo` is what was meant, or is refused unread."""

from pathlib import Path

import pytest

from executor.cli.undo import redo_lines, undo_lines
from executor.errors import UsageError


@pytest.mark.parametrize("argument", ["all", "-1", "--to", "2 --to 3", "1 2", "--forced"])
def test_an_undo_of_something_else_is_refused(argument: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="/undo N or /undo --to CALL"):
        undo_lines(tmp_path, argument)


@pytest.mark.parametrize("argument", ["2", "--to 3", "--forced", "--force 2"])
def test_a_redo_of_something_else_is_refused(argument: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="/redo takes nothing but --force"):
        redo_lines(tmp_path, argument)
