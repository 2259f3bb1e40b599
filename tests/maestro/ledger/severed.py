"""A socket between a client and PostgreSQL that can swallow one answer and hang up.

Stands for a network that is cut after the server has committed. Holds no test.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

SOCKET = ".s.PGSQL.5432"


class Wire:
    """Passes bytes both ways until it is armed."""

    def __init__(self, server: Path, folder: Path) -> None:
        self.folder = folder
        self._server = server
        self._answers_left: int | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, server: Path, folder: Path) -> AsyncGenerator["Wire"]:
        """Listen in `folder` as PostgreSQL listens in `server`."""
        wire = cls(server, folder)
        listener = await asyncio.start_unix_server(wire._pass_on, folder / SOCKET)
        try:
            yield wire
        finally:
            listener.close()
            for task in wire._tasks:
                task.cancel()
            await asyncio.gather(*wire._tasks, return_exceptions=True)

    def cut_at(self, answer: int) -> None:
        """Swallow the answer of that number, counted from 1, and hang up."""
        self._answers_left = answer

    @property
    def was_cut(self) -> bool:
        return self._answers_left == 0

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        server_reader, server_writer = await asyncio.open_unix_connection(self._server / SOCKET)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._questions(reader, server_writer))
                group.create_task(self._answers(server_reader, writer))
        except* ConnectionError:
            pass
        finally:
            server_writer.close()
            writer.close()

    async def _questions(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while received := await reader.read(65536):
            writer.write(received)
        raise ConnectionResetError

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while received := await reader.read(65536):
            if self._answers_left:
                self._answers_left -= 1
                if self._answers_left == 0:
                    raise ConnectionResetError
            writer.write(received)
        raise ConnectionResetError
