"""One connection to Redis that has one owner: commands go out together, replies come in order.

It is never shared or pooled and is closed by whatever interrupts it, so that a cancelled call
cannot leave its reply to the next one. Knows no key.
"""

import asyncio
import os
import ssl
from collections.abc import Callable, Sequence
from typing import Any, cast

from maestro.errors import BusUnavailable, SettingsError

try:
    import hiredis
    from redis.asyncio.connection import (
        AbstractConnection,
        Connection,
        SSLConnection,
        UnixDomainSocketConnection,
        parse_url,
    )
    from redis.exceptions import ResponseError
except ImportError as missing:
    raise SettingsError(
        "a Redis address needs the Redis client: pip install 'codegen-maestro[team]'"
    ) from missing

Command = tuple[str | bytes | int, ...]
Reply = Any
"""As RESP3 has it: bytes, int, None, list, dict (a map), or ResponseError."""

CONNECT_SECONDS = 2.0
RESP_VERSION = 3

_NOTHING = object()
_packed = cast("Callable[[Command], bytes]", cast("Any", hiredis).pack_command)


class RedisConnection:
    """Connects at the first call and again after a failure."""

    def __init__(self, url: str) -> None:
        """`url`: redis://, rediss:// or unix://. Raises ValueError for another one."""
        options = {**parse_url(url)}
        kind = cast(
            "Callable[..., AbstractConnection]", options.pop("connection_class", Connection)
        )
        # The library knows what an address means. It is not asked to connect: it would read each
        # reply by itself, in Python.
        self._address = kind(**options)
        self._replies: Replies | None = None

    async def call(self, commands: Sequence[Command], *, seconds: float) -> list[Reply]:
        """The reply to each command; one that Redis refused is a ResponseError in the list.

        Raises BusUnavailable when there is no whole answer within `seconds`; the connection is
        then closed, as it is when the call is cancelled.
        """
        try:
            async with asyncio.timeout(seconds):
                if self._replies is None:
                    self._replies = await self._open()
                    await self._log_in(self._replies)
                return await self._replies.to(commands)
        except (ResponseError, OSError) as error:
            await self.close()
            raise BusUnavailable(f"Redis is away: {_reason(error)}") from error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        if self._replies is not None:
            self._replies.close()
            self._replies = None

    async def _open(self) -> "Replies":
        loop, address = asyncio.get_running_loop(), self._address
        async with asyncio.timeout(CONNECT_SECONDS):
            match address:
                case UnixDomainSocketConnection():
                    _, opened = await loop.create_unix_connection(Replies, address.path)
                case Connection():
                    # The library does not say what its context gives.
                    made: Any = address.ssl_context if isinstance(address, SSLConnection) else None
                    tls: ssl.SSLContext | None = made and made.get()
                    _, opened = await loop.create_connection(
                        Replies, address.host, int(address.port), ssl=tls
                    )
                case _:
                    raise ValueError(f"{type(address).__name__} is not an address")
        return opened

    async def _log_in(self, replies: "Replies") -> None:
        """Raises ResponseError."""
        address = self._address
        hello: Command = ("HELLO", RESP_VERSION)
        if address.password or address.username:
            user, password = str(address.username or "default"), str(address.password or "")
            hello = (*hello, "AUTH", user, password)
        select: list[Command] = [("SELECT", int(address.db))] if address.db else []
        for reply in await replies.to([hello, *select]):
            if isinstance(reply, ResponseError):
                raise reply


class Replies(asyncio.Protocol):
    """What comes on one socket. One caller at a time."""

    def __init__(self) -> None:
        self._parser = hiredis.Reader(replyError=ResponseError, notEnoughData=_NOTHING)
        self._found: list[Reply] = []
        self._count = 0
        self._whole: asyncio.Future[list[Reply]] | None = None
        self._ended: OSError | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed(data)
            while (reply := self._parser.gets()) is not _NOTHING:
                if not isinstance(reply, hiredis.PushNotification):
                    self._found.append(reply)
        except hiredis.ProtocolError:
            self._end(ConnectionError("this is not Redis"))
            return
        if len(self._found) > self._count:
            self._end(ConnectionError("a reply to nothing"))
        elif self._whole is not None and len(self._found) == self._count:
            if not self._whole.done():
                self._whole.set_result(self._found)
            self._whole, self._found, self._count = None, [], 0

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc if isinstance(exc, OSError) else ConnectionResetError("it was closed"))

    async def to(self, commands: Sequence[Command]) -> list[Reply]:
        """The replies to `commands`; raises what ended the connection."""
        if self._ended is not None:
            raise self._ended
        whole: asyncio.Future[list[Reply]] = asyncio.get_running_loop().create_future()
        self._whole, self._count = whole, len(commands)
        self._transport.write(b"".join(map(_packed, commands)))
        return await whole

    def close(self) -> None:
        self._transport.abort()

    def _end(self, why: OSError) -> None:
        self._ended = self._ended or why
        if self._whole is not None and not self._whole.done():
            self._whole.set_exception(self._ended)
        self._transport.abort()


def refusal(error: ResponseError) -> BusUnavailable:
    """A command was refused. Only the kind is told: the words may name a user."""
    kind = str(error).partition(" ")[0]
    return BusUnavailable(f"Redis refused: {kind}")


def _reason(error: BaseException) -> str:
    """What the operating system says, else the kind: the words may hold an address or a user."""
    if isinstance(error, ResponseError):
        return f"it refused: {str(error).partition(' ')[0]}"
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError) and found.errno is not None and found.errno > 0:
            return os.strerror(found.errno)
        found = found.__cause__ or found.__context__
    return type(error).__name__
