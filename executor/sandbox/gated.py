"""A sandbox without a network, and a way out of it to the hosts that its user allows.

The filter is outside: what is put into the sandbox only leads to it. Wraps the sandbox of another
module, which must show commands the folder of the way out.
"""

import os
import py_compile
import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from executor.network import forwarder
from executor.network.proxy import Proxy, Told
from executor.network.reach import Reach
from executor.network.socket_folder import SocketFolder
from executor.sandbox.hints import refusal_hint
from executor.sandbox.launch import MARK, Confinement, Launch
from executor.sandbox.premises import Premises

_PROXY_PORT = 3128
"""Of the sandbox's own loopback, where proxies are by custom; the next one if that is taken."""
_PORT_MIN = 1024
"""Below, a command without privileges can't listen."""
_PROGRAM = "forwarder.pyc"
_ADDRESSED = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_MAPPED = ("localhost", "127.0.0.1")
"""Hosts that programs reach without the proxy: servers of the sandbox's own, and ports led out."""
_PAST_IT = ("::1",)
"""The same, but ports of it are not led out."""


def way_out_folder(parent: Path) -> SocketFolder:
    """A folder for the sockets of one session, the program that leads to them in it.

    Raises OSError.
    """
    folder = SocketFolder(parent)
    try:
        compiled = str(folder.path / _PROGRAM)
        py_compile.compile(
            forwarder.__file__,
            compiled,
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    except (OSError, py_compile.PyCompileError) as error:
        folder.close()
        raise OSError(f"{forwarder.__file__} can't be made ready: {error}") from error
    return folder


def gated(
    premises: Premises, closed: Callable[[Premises], Confinement], reach: Reach, told: Told
) -> "Gated":
    """The sandbox that `closed` makes of premises, with a way out of it. Raises OSError."""
    folder = way_out_folder(premises.scratch)
    shown = msgspec.structs.replace(premises, readable=(*premises.readable, folder.path))
    return Gated(closed(shown), Proxy(reach, folder, told))


class Gated:
    """See `launch.Confinement`."""

    def __init__(self, inner: Confinement, proxy: Proxy) -> None:
        self._inner = inner
        self._proxy = proxy
        local = proxy.reach.local_ports
        own = next(port for port in range(_PROXY_PORT, 1 << 16) if port not in local)
        mapped = (f"{port}={host}" for port, host in local.items() if port >= _PORT_MIN)
        self._ports = ",".join((f"{own}", *mapped))
        past = [name for name in _PAST_IT if not proxy.reach.opens(name)]
        self._variables = proxy_variables(own, (*_MAPPED, *past))
        self._python = os.path.realpath(sys.executable)

    @asynccontextmanager
    async def around(
        self, argv: tuple[str, ...], environment: Mapping[str, str], folder: int
    ) -> AsyncGenerator[Launch]:
        async with self._proxy.way_out(environment.get(MARK, "")) as path:
            program = str(Path(path).with_name(_PROGRAM))
            led = (self._python, "-I", "-S", program, path, self._ports, *argv)
            async with self._inner.around(led, environment, folder) as launch:
                inside = {**launch.environment, **self._variables}
                yield msgspec.structs.replace(launch, environment=inside)

    async def broken(self, launch: Launch, code: int, output: bytes) -> str:
        return await self._inner.broken(launch, code, output)

    def hint(self, output: bytes, mark: str) -> str:
        refused = refusal_hint(self._proxy.refused(mark))
        return refused or self._inner.hint(output, mark)

    async def close(self) -> None:
        self._proxy.close()
        await self._inner.close()


def proxy_variables(port: int, past: Sequence[str]) -> dict[str, str]:
    """By which programs find the proxy, and pass it by; in both cases, as programs differ."""
    values: dict[str, str] = dict.fromkeys(_ADDRESSED, f"http://127.0.0.1:{port}")
    values["NO_PROXY"] = ",".join(past)
    return {
        **values,
        **{name.lower(): value for name, value in values.items()},
        "NODE_USE_ENV_PROXY": "1",
    }
