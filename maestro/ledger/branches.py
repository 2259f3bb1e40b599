"""Take a conversation back, or branch it: the part of the Ledger port beside the plain appends.

Both end at the end of a turn, which every provider takes. No row is ever changed or taken away.
"""

import secrets
from dataclasses import dataclass

import msgspec

from maestro.domain.events import Forked, Rewound
from maestro.errors import LedgerUnavailable
from maestro.ledger.appends import Appends
from maestro.ledger.database import Committed, Look, NewSession
from maestro.ledger.draft import Change, Draft
from maestro.ledger.rows import Before, Row, name, tool_ids
from maestro.ports import Branched, BranchRefused

_TRIES = 20
"""A try fails only because another append of the same session was written meanwhile."""


class Branches(Appends):
    async def rewind(
        self, owner: str, session_id: str, rewind_id: str, to_seq: int
    ) -> Branched | BranchRefused:
        for _ in range(_TRIES):
            rows = await self._database.read("row", name(session_id), owner)
            if not rows:
                return BranchRefused("gone")
            head = rows[0]["head"]
            (end,) = await self._database.read("turn_end", name(session_id), to_seq, head)
            outcome = await self._rewound(owner, session_id, rewind_id, _Point(head, end))
            if outcome is not None:
                return outcome
        raise LedgerUnavailable(f"session {session_id} was written by others {_TRIES} times")

    async def _rewound(
        self, owner: str, session_id: str, rewind_id: str, point: "_Point"
    ) -> Branched | BranchRefused | None:
        """None: the session has moved since `point` was read."""
        key = name(f"rewind:{rewind_id}")

        def plan(before: Before) -> Change | Branched | BranchRefused | _Moved:
            if before.found is not None and isinstance(before.found.event, Rewound):
                return Branched(session_id, before.found.event.to_seq, before.row.head)
            if before.row.head != point.head:
                return _Moved()
            if point.end["run_open"]:
                return BranchRefused("run_open")
            draft = Draft(before)
            draft.add(key, Rewound(point.end["seq"]))
            return draft.change()

        match await self._append(Look(name(session_id), owner, key, tool_ids(())), plan):
            case Committed(change=change):
                return Branched(session_id, point.end["seq"], change.new_head)
            case None:
                return BranchRefused("gone")
            case _Moved():
                return None
            case outcome:
                return outcome

    async def fork(
        self, owner: str, session_id: str, fork_id: str, at_seq: int
    ) -> Branched | BranchRefused:
        handshake = name(f"fork:{fork_id}")
        rows = await self._database.read("summary", owner, name(session_id))
        if not rows:
            return BranchRefused("gone")
        (end,) = await self._database.read("turn_end", name(session_id), at_seq, at_seq)
        made = NewSession(secrets.token_hex(16), owner, handshake, rows[0]["title"])
        await self._database.copy(made, name(session_id), end["seq"])
        (found,) = await self._database.read("find_handshake", owner, handshake)
        if found["session_id"] is None:  # what was to be copied is deleted meanwhile
            return BranchRefused("gone")
        return await self._note_origin(owner, found["session_id"], session_id)

    async def _note_origin(
        self, owner: str, session_id: str, origin: str
    ) -> Branched | BranchRefused:
        """Behind the copy, by whichever try comes first."""
        key = f"forked:{session_id}"

        def plan(before: Before) -> Change | Branched:
            if before.found is not None:
                return Branched(session_id, before.found.seq - 1, before.row.head)
            draft = Draft(before)
            draft.add(key, Forked(origin))
            return draft.change()

        match await self._append(Look(name(session_id), owner, key, tool_ids(())), plan):
            case Committed(change=change):
                return Branched(session_id, change.head, change.new_head)
            case None:
                return BranchRefused("gone")
            case outcome:
                return outcome


@dataclass(frozen=True, slots=True)
class _Point:
    """Where the last turn that stands has ended, as it was when the session's head was `head`."""

    head: int
    end: Row


class _Moved(msgspec.Struct, frozen=True):
    pass
