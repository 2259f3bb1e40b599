"""Servers on loopback that answer as they are told, byte for byte; for the tests of fetching.

They are reached under public names and addresses by a resolver and a dialler of the test.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from executor.network.dialling import Dialler

ADDRESS = "93.184.216.34"
Answer = bytes | Callable[[socket.socket], None]


def answer(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """A whole answer; `Content_Type` spells Content-Type."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named.setdefault("Content-Length", str(len(body)))
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body


class Site:
    """One port; each connection gets one answer, by its path."""

    def __init__(self, answers: Mapping[str, Answer], tls: ssl.SSLContext | None = None) -> None:
        self._answers = answers
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[bytes] = []
        self.resolved: list[str] = []
        self.dialled: list[tuple[str, int]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join(5)
        self._listener.close()

    def dialler(self, **addresses: str) -> Dialler:
        """Every name is one public address, but for `addresses` (`a_test` for a.test)."""
        others = {name.replace("_", "."): address for name, address in addresses.items()}

        def resolve(host: str, port: int) -> Sequence[str]:
            del port
            self.resolved.append(host)
            return [others.get(host, ADDRESS)]

        def connect(address: str, port: int, seconds: float) -> socket.socket:
            self.dialled.append((address, port))
            return socket.create_connection(("127.0.0.1", self.port), seconds)

        return Dialler(resolve=resolve, connect=connect)

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection, suppress(OSError):
                if self._ended.is_set():
                    return
                connection.settimeout(5)
                if self._tls is None:
                    self._answer(connection)
                    continue
                with self._tls.wrap_socket(connection, server_side=True) as secured:
                    self._answer(secured)

    def _answer(self, connection: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += connection.recv(65536)
        self.requests.append(request)
        path = request.split(b" ", 2)[1].decode()
        given = self._answers.get(path, answer(b"nothing here", "404 Not Found"))
        if callable(given):
            given(connection)
        else:
            connection.sendall(given)
