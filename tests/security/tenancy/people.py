"""Two people of one maestro, and everybody who is neither.

Makes keys; holds no test.
"""

from dataclasses import dataclass
from typing import Any

from websockets.exceptions import InvalidStatus

from maestro.domain.events import ToolAsked
from tests.maestro.edge.stage import Stage

CANARY = "canary-of-ada"


@dataclass(frozen=True)
class People:
    """Ada's session is full of canaries; the others want to see them."""

    ada: str
    session_id: str
    tool_id: str
    strangers: dict[str, str | None]
    """Tokens: of another user, a revoked one, an expired one, none."""


async def key_of(edge: Stage, token: str) -> str:
    account = await edge.ledger.accounts.authenticate(token)
    assert account is not None
    assert account.key_id is not None
    return account.key_id


async def peopled(edge: Stage) -> People:
    accounts = edge.ledger.accounts
    ada = await accounts.create("ada")
    revoked = await accounts.create("ada", another=True)
    await accounts.revoke(await key_of(edge, revoked))
    session_id, tool_id = await adas_session(edge, ada)
    return People(
        ada,
        session_id,
        tool_id,
        {
            "another user": await accounts.create("grace"),
            "revoked": revoked,
            "expired": await accounts.create("ada", another=True, expires_seconds=0.0),
            "none": None,
        },
    )


async def adas_session(edge: Stage, token: str) -> tuple[str, str]:
    """A session with a canary in everything that was said, and one open call."""
    async with edge.connect(token=token) as executor:
        started = await executor.handshake(
            initial_prompt=CANARY,
            project_spec={"content": CANARY, "file_paths": [CANARY]},
            journal_id="journal-of-ada",
        )
        session_id: str = started["payload"]["session_id"]
        asked = ToolAsked("t-ada", "1-1-1", "Shell", {"command": CANARY})
        await edge.decide(session_id, asked)
        await executor.until("run_tool")
    return session_id, "t-ada"


async def answer(
    edge: Stage, token: str | None, method: str, path: str, **request: Any
) -> tuple[int, str]:
    """Status and body of a request, or of a refused upgrade (WS)."""
    if method == "WS":
        try:
            async with edge.connect(path, token=token or "none"):
                return 101, ""
        except InvalidStatus as refused:
            return refused.response.status_code, bytes(refused.response.body or b"").decode()
    async with edge.http(token or "none") as client:
        if token is None:
            client.headers.pop("Authorization")
        response = await client.request(method, path, **request)
        return response.status_code, response.text
