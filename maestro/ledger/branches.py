"""Take a conversation back, or branch it: the part of the Ledger port beside the plain appends.

Both end at the end of a turn, which every provider takes. No row is ever changed or taken away.
"""

import secrets

from maestro.domain.events import Forked, Rewound
from maestro.ledger.appends import Appends
from maestro.ledger.database import NewSession
from maestro.ledger.draft import Change, Draft
from maestro.ledger.rows import Before, name
from maestro.ports import Branched, BranchRefused


class Branches(Appends):
    async def rewind(
        self, owner: str, session_id: str, rewind_id: str, to_seq: int
    ) -> Branched | BranchRefused:
        key = name(f"rewind:{rewind_id}")
        at_seq = 0

        async def plan(before: Before) -> Change | Branched | BranchRefused:
            nonlocal at_seq
            if before.found is not None and isinstance(before.found.event, Rewound):
                return Branched(session_id, before.found.event.to_seq, before.row.head)
            (end,) = await self._database.read(
                "turn_end", name(session_id), to_seq, before.row.head
            )
            if end["run_open"]:
                return BranchRefused("run_open")
            at_seq = end["seq"]
            draft = Draft(before)
            draft.add(key, Rewound(at_seq))
            return draft.change()

        match await self._append(owner, session_id, key, (), plan):
            case Change() as change:
                return Branched(session_id, at_seq, change.new_head)
            case None:
                return BranchRefused("gone")
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

        async def plan(before: Before) -> Change | Branched:
            if before.found is not None:
                return Branched(session_id, before.found.seq - 1, before.row.head)
            draft = Draft(before)
            draft.add(key, Forked(origin))
            return draft.change()

        match await self._append(owner, session_id, key, (), plan):
            case Change() as change:
                return Branched(session_id, change.head, change.new_head)
            case None:
                return BranchRefused("gone")
            case outcome:
                return outcome
