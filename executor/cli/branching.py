"""`codegen rewind` and `codegen fork`: go back in a conversation, or branch off from it.

The maestro keeps every row; what is taken back is only forgotten by the model.
"""

import os
import sys
from collections.abc import Iterator
from typing import Any

import msgspec

from executor.cli.history import Turn, events_of, named, path_of, standing_turns
from executor.cli.placing import here, maestro
from executor.cli.rest import ask
from executor.errors import JournalError, SnapshotError, UsageError
from executor.journal import create_journal
from executor.link import Endpoint
from executor.view.safe_text import safe_line


class Place(msgspec.Struct, frozen=True):
    """How far back: to what stood at a row, or before the last so many turns."""

    seq: int | None
    turns: int | None
    flag: str
    """The one that names a row: --to or --at."""
    files: bool = False
    """The files go back too."""


def rewind(session: str | None, place: Place, server: str | None, token: str | None) -> int:
    """The conversation goes on from an earlier turn."""
    endpoint = maestro(server, token)
    session_id = named(session, here(), os.path.realpath(os.curdir))
    before = _turns(endpoint, session_id, place)
    body = {"to_seq": _seq(before, place, session_id)}
    branch = ask(endpoint, "POST", f"{path_of(session_id)}/rewind", body)
    standing = _until(before, branch)
    gone = before[len(standing) :]
    sys.stdout.write(f"taken back: {_count(len(gone))}\n")
    for turn in gone:
        sys.stdout.write(f"  > {safe_line(turn.said, 70)}\n")
    _goes_on(standing)
    code = _files_back(session_id, gone) if place.files else 0
    if not place.files and any(turn.tool_ids for turn in gone):
        sys.stdout.write("files stay as they are: codegen undo takes back what the agent changed\n")
    sys.stdout.write(f"go on with: codegen --resume {session_id}\n")
    return code


def fork(session: str | None, place: Place, server: str | None, token: str | None) -> int:
    """A session of its own that begins with this one's turns."""
    endpoint = maestro(server, token)
    session_id = named(session, here(), os.path.realpath(os.curdir))
    before = _turns(endpoint, session_id, place)
    whole = place.seq is None and place.turns is None
    seq = (before[-1].end_seq or 0) if whole and before else _seq(before, place, session_id)
    branch = ask(endpoint, "POST", f"{path_of(session_id)}/fork", {"at_seq": seq})
    standing = _until(before, branch)
    kept = _keep(branch, endpoint.shown, (standing or before)[:1])
    sys.stdout.write(f"forked with {_count(len(standing))}\n")
    _goes_on(standing)
    code = _files_back(session_id, before[len(standing) :]) if place.files else 0
    ways = "codegen -c, or " if kept else ""
    sys.stdout.write(f"go on with: {ways}codegen --resume {branch['session_id']}\n")
    return code


def _turns(endpoint: Endpoint, session_id: str, place: Place) -> list[Turn]:
    """Those that stand. Raises UsageError where there is no such row as the place's."""
    last = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal last
        for row in events_of(endpoint, session_id):
            last = row["seq"]
            yield row

    turns = standing_turns(rows())
    if place.seq is not None and not 0 <= place.seq <= last:
        raise UsageError(
            f"{place.flag} {place.seq}: the last row is {last} (codegen sessions show {session_id} "
            "has those at which turns end)"
        )
    return turns


def _files_back(session_id: str, gone: list[Turn]) -> int:
    """The files as they were before the turns that are gone."""
    from executor.cli.undo import take_back_calls

    try:
        return take_back_calls(session_id, [call for turn in gone for call in turn.tool_ids])
    except SnapshotError as error:
        sys.stdout.write(f"files stay as they are: {error}\n")
        return 0


def _keep(branch: dict[str, Any], server: str, first: list[Turn]) -> bool:
    """A journal of its own: it is this directory's last session, and its past is not shown anew.

    False where the disk takes none: the fork is there all the same, and its id must be told.
    """
    try:
        journal = create_journal(
            here().state,
            cwd=os.path.realpath(os.curdir),
            server=server,
            title="".join(turn.said for turn in first),
            session_id=branch["session_id"],
        )
        try:
            journal.see(branch["head"])
        finally:
            journal.close()
    except JournalError as error:
        sys.stderr.write(f"not kept here: {safe_line(str(error), 200)}\n")
        return False
    return True


def _seq(turns: list[Turn], place: Place, session_id: str) -> int:
    """The row to go back to."""
    if (place.seq is None) == (place.turns is None):
        raise UsageError(
            f"how far back? {place.flag} SEQ (codegen sessions show {session_id} has the numbers) "
            "or --turns N, one of them"
        )
    if place.seq is not None:
        return place.seq
    count = place.turns or 0
    if not turns:
        raise UsageError(f"session {session_id} has no turn yet that could be taken back")
    if not 0 < count <= len(turns):
        raise UsageError(f"--turns: expected 1 to {len(turns)}, got {count}")
    rest = turns[: len(turns) - count]
    return (rest[-1].end_seq or 0) if rest else 0


def _until(turns: list[Turn], branch: dict[str, Any]) -> list[Turn]:
    return [turn for turn in turns if turn.end_seq and turn.end_seq <= branch["at_seq"]]


def _goes_on(standing: list[Turn]) -> None:
    if standing:
        sys.stdout.write(f"it goes on after: {safe_line(standing[-1].said, 60)}\n")
    else:
        sys.stdout.write("it goes on from the start\n")


def _count(turns: int) -> str:
    return "1 turn" if turns == 1 else f"{turns} turns"
