"""One connection to Redis that has one owner: commands go out together, replies come in order.

It is never shared or pooled and is closed by whatever interrupts it, so that a cancelled call
cannot leave its reply to the next one. Knows no key.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Any, cast

from maestro.errors import BusUnavailable, SettingsError

try:
    from redis.asyncio.connection import AbstractConnection, Connection, parse_url
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.exceptions import RedisError, ResponseError
except ImportError as missing:
    raise SettingsError(
        "a Redis address needs the Redis client: pip install 'codegen-maestro[team]'"
    ) from missing

Command = tuple[str | bytes | int, ...]
Reply = Any
"""As RESP3 has it: bytes, int, None, list, dict (a map), or ResponseError."""

CONNECT_SECONDS = 2.0
RESP_VERSION = 3


class RedisConnection:
    """Connects at the first call and again after a failure."""

    def __init__(self, url: str) -> None:
        """`url`: redis://, rediss:// or unix://. Raises ValueError for another one."""
        options = {**parse_url(url)}
        kind = cast(
            "Callable[..., AbstractConnection]", options.pop("connection_class", Connection)
        )
        # Times are kept by `call`: the library's own would end a blocking read (5 s by default).
        self._connection = kind(
            **options,
            protocol=RESP_VERSION,
            socket_timeout=None,
            socket_connect_timeout=CONNECT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )

    async def call(self, commands: Sequence[Command], *, seconds: float) -> list[Reply]:
        """The reply to each command; one that Redis refused is a ResponseError in the list.

        Raises BusUnavailable when there is no whole answer within `seconds`; the connection is
        then closed, as it is when the call is cancelled.
        """
        try:
            async with asyncio.timeout(seconds):
                if not self._connection.is_connected:
                    await self._connection.connect()
                packed = b"".join(map(_packed, commands))
                await self._connection.send_packed_command(packed, check_health=False)
                return [await self._reply() for _ in commands]
        except (RedisError, OSError) as error:
            await self.close()
            raise BusUnavailable(f"Redis is away: {_reason(error)}") from error
        except BaseException:
            await self.close()
            raise

    async def _reply(self) -> Reply:
        try:
            connection: Any = self._connection  # the library does not say what a reply is
            reply: Reply = await connection.read_response(disconnect_on_error=False)
        except ResponseError as error:
            return error
        return reply

    async def close(self) -> None:
        await self._connection.disconnect(nowait=True)


def _packed(command: Command) -> bytes:
    """As the protocol wants it; the library's own way takes ten times as long."""
    parts = [b"*%d\r\n" % len(command)]
    for word in command:
        encoded = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(encoded), encoded))
    return b"".join(parts)


def refusal(error: ResponseError) -> BusUnavailable:
    """A command was refused. Only the kind is told: the words may name a user."""
    kind = str(error).partition(" ")[0] if type(error) is ResponseError else type(error).__name__
    return BusUnavailable(f"Redis refused: {kind}")


def _reason(error: BaseException) -> str:
    """What the operating system says, else the kind: the words may hold an address or a user."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError) and found.errno is not None and found.errno > 0:
            return os.strerror(found.errno)
        found = found.__cause__ or found.__context__
    return type(error).__name__
