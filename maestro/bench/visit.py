"""Open sessions at a deployment, prompt each a few times, and keep what every step took.

Offers no tool, so that nothing can be called; deletes its sessions when it leaves.
"""

import asyncio
import time
import urllib.parse
from collections import Counter
from dataclasses import dataclass, field

import httpx2
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from maestro.bench.report import Levels
from maestro.errors import SettingsError
from protocol.codec import encode
from protocol.from_executor import FromExecutor, Handshake, UserMessage
from protocol.wire import Frame

RUN_SECONDS = 120.0
"""For one prompt, and for all to attach."""
MAX_SESSIONS = 10_000
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Plan:
    url: str
    """http(s):// or ws(s)://"""
    token: str | None = field(repr=False)
    sessions: int
    prompts: int
    """Of each session, one after the other."""
    prompt: str

    def __post_init__(self) -> None:
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme not in ("http", "https", "ws", "wss") or not parts.hostname:
            raise SettingsError(f"{self.url!r} is no address of a maestro: try https://host")
        if parts.scheme in ("http", "ws") and parts.hostname not in _LOOPBACK:
            words = "only https:// leaves this machine, or the token could be read"
            raise SettingsError(f"{self.url}: {words}")
        if not (1 <= self.sessions <= MAX_SESSIONS and 1 <= self.prompts <= 1000):
            raise SettingsError("bench: 1 to 10000 sessions, 1 to 1000 prompts each")

    def door(self, scheme: str) -> str:
        """The address with `http` or `ws`, secure where the plan's is."""
        parts = urllib.parse.urlsplit(self.url)
        secure = "s" if parts.scheme in ("https", "wss") else ""
        return f"{scheme}{secure}://{parts.netloc}{parts.path.rstrip('/')}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


class _Payload(msgspec.Struct):
    session_id: str = ""
    message: str = ""
    outcome: str = ""
    reason: str = ""


class _Heard(msgspec.Struct):
    """As much of a frame as matters here."""

    type: str
    payload: _Payload = msgspec.field(default_factory=_Payload)


_heard = msgspec.json.Decoder(_Heard)


class Visit:
    """All sessions of one look at a deployment."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._all_settled = asyncio.Event()
        """Every session is attached or has failed."""
        self.handshake_ms: list[float] = []
        self.accepted_ms: list[float] = []
        self.first_text_ms: list[float] = []
        self.run_ms: list[float] = []
        self.failed: Counter[str] = Counter()
        self.session_ids: list[str] = []
        self.held = 0

    async def session(self, number: int) -> None:
        """One session from its handshake to its last prompt; what fails is counted."""
        try:
            async with (
                asyncio.timeout(RUN_SECONDS * (self._plan.prompts + 1)),
                connect(
                    f"{self._plan.door('ws')}/ws/v1/connect",
                    additional_headers=self._plan.headers,
                    compression=None,
                    proxy=None,
                    max_size=4 * 1024 * 1024,
                ) as socket,
            ):
                await self._talk(socket, number)
                self.held += 1
        except InvalidHandshake as error:
            self._fail(f"not let in: {error}")
        except (OSError, WebSocketException, TimeoutError) as error:
            self._fail(f"{type(error).__name__}: {error}")
        except _Refused as refused:
            self._fail(str(refused))

    async def _talk(self, socket: ClientConnection, number: int) -> None:
        hello = Handshake("maestro-bench", self._plan.prompt, (), journal_id=f"bench-{number}")
        sent = await _send(socket, hello, f"bench-{time.time_ns()}-{number}")
        started = await _until(socket, "session_started")
        self.handshake_ms.append(_since(sent))
        self.session_ids.append(started.payload.session_id)
        self._settle()
        async with asyncio.timeout(RUN_SECONDS):
            await self._all_settled.wait()
        await self._follow(socket, sent)
        for turn in range(1, self._plan.prompts):
            message = UserMessage(self._plan.prompt)
            sent = await _send(socket, message, f"bench-{time.time_ns()}-{number}-{turn}")
            await _until(socket, "accepted")
            self.accepted_ms.append(_since(sent))
            await self._follow(socket, sent)

    async def _follow(self, socket: ClientConnection, sent: float) -> None:
        """One run to its end."""
        is_first = True
        async with asyncio.timeout(RUN_SECONDS):
            while True:
                heard = _heard.decode(await socket.recv())
                if heard.type in ("agent_message_delta", "agent_message") and is_first:
                    is_first = False
                    self.first_text_ms.append(_since(sent))
                if heard.type == "run_finished":
                    break
        self.run_ms.append(_since(sent))
        if heard.payload.outcome != "success":
            raise _Refused(f"a run ended as {heard.payload.outcome} ({heard.payload.reason})")

    def _fail(self, why: str) -> None:
        self.failed[why[:200]] += 1
        self._settle()

    def _settle(self) -> None:
        if len(self.session_ids) + self.failed.total() >= self._plan.sessions:
            self._all_settled.set()


class _Refused(Exception):
    """The deployment said no; the words are its own."""


async def visit(plan: Plan) -> Levels:
    """All sessions at once. Raises SettingsError when nobody answers at that address."""
    async with httpx2.AsyncClient(
        base_url=plan.door("http"), headers=plan.headers, timeout=30.0
    ) as client:
        version = await _version(client)
        made = Visit(plan)
        await asyncio.gather(*(made.session(number) for number in range(plan.sessions)))
        for session_id in made.session_ids:
            await client.delete(f"/api/v1/sessions/{session_id}")
    return Levels(
        url=plan.url,
        version=version,
        asked=plan.sessions,
        held=made.held,
        handshake_ms=made.handshake_ms,
        accepted_ms=made.accepted_ms,
        first_text_ms=made.first_text_ms,
        run_ms=made.run_ms,
        failed=dict(made.failed),
    )


async def _version(client: httpx2.AsyncClient) -> str | None:
    try:
        answer = await client.get("/api/v1/status")
    except httpx2.HTTPError as error:
        raise SettingsError(f"bench: nobody answers at {client.base_url}: {error}") from error
    if answer.status_code == 401:
        raise SettingsError("bench: the token was refused: set CODEGEN_TOKEN to one of this server")
    return str(answer.json().get("version")) if answer.is_success else None


async def _send(socket: ClientConnection, message: FromExecutor, message_id: str) -> float:
    """The moment at which it was sent."""
    frame = encode(Frame(message, id=message_id))
    sent = time.monotonic()
    await socket.send(frame.decode())
    return sent


async def _until(socket: ClientConnection, kind: str) -> _Heard:
    while True:
        heard = _heard.decode(await socket.recv())
        if heard.type == kind:
            return heard
        if heard.type == "error":
            raise _Refused(heard.payload.message)


def _since(moment: float) -> float:
    return (time.monotonic() - moment) * 1000
