"""What a resumed session says of a run that an earlier process left open.

By this machine's journal: what happened elsewhere meanwhile, the maestro tells.
"""

from pathlib import Path

from executor.bootstrap.compose import Opening
from executor.errors import UsageError
from executor.journal import Journal, run_is_open
from executor.view.port import Notice, View


def tell_of_open_run(opening: Opening, journal: Journal, view: View, *, says: bool) -> None:
    """Say that a run goes on. UsageError where none does and the user `says` nothing either."""
    if not opening.resumes:
        return
    if journal.known.run_open:
        view.show(Notice("a run of this session is open: it goes on"))
    elif journal.known.run_open is False and not says:
        raise UsageError('no run of this session is open: codegen -c "what to do next"')


def left_open(opening: Opening, state: Path) -> bool:
    """Whether the session that is resumed has a run that goes on by itself."""
    return opening.journal_id is not None and run_is_open(state, opening.journal_id)
