"""What the link needs of a WebSocket, so that the library behind it can be replaced.

Interfaces and outcomes only.
"""

from typing import Literal, Protocol

from executor.link.endpoint import Endpoint

Hope = Literal["none", "later", "busy", "soon"]
"""`none`: it will not change by itself. `later`: not worth a wait at the first connection, which
rather tells the user; worth one when a session is at stake. `soon`: worth a wait at any time.
`busy`: so too, a longer one: it was reached and has too much to do."""


class DialFailed(Exception):
    """There is no connection; `why` is one line for the user, without the address."""

    def __init__(self, why: str, hope: Hope, *, retry_after: float | None = None) -> None:
        """`retry_after`: seconds before which it asks not to be tried again."""
        super().__init__(why)
        self.why = why
        self.hope: Hope = hope
        self.retry_after = retry_after


class SocketClosed(Exception):
    """The connection is over. `code` is RFC 6455's, 1006 where the peer gave none."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"{code} {why}")
        self.code = code
        self.why = why


class Socket(Protocol):
    """One open WebSocket. Pings by itself; both methods raise SocketClosed."""

    async def send(self, frame: bytes) -> None:
        """Send one text frame; waits while the peer does not read."""
        ...

    async def receive(self) -> str | bytes:
        """The next message: str of a text frame, bytes of a binary one."""
        ...

    async def close(self, code: int = 1000) -> None:
        """Close in good manners, within a second; never raises."""
        ...


class Dial(Protocol):
    async def __call__(self, endpoint: Endpoint) -> Socket:
        """Connect within 10 seconds. Raises DialFailed."""
        ...
