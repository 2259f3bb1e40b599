"""What a request may hold: as much as the largest frame, told or not."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from maestro.edge.bodies import MAX_BODY
from tests.maestro.edge.stage import stage
from tests.requirements import covers

MESSAGES = "/api/v1/sessions/abc/messages"


@covers("R-EVIL-1")
async def test_a_body_that_says_to_be_too_large_is_refused_unread(tmp_path: Path) -> None:
    async with asyncio.timeout(20), stage(tmp_path) as edge:
        reader, writer = await asyncio.open_unix_connection(edge.path)
        writer.write(
            f"POST {MESSAGES} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {edge.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {MAX_BODY + 1}\r\n\r\n".encode()
        )

        answer = await reader.read()  # to its end: nothing was sent of the body
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b'"too_large"' in answer
        writer.close()


@covers("R-EVIL-1")
async def test_a_body_that_grows_too_large_is_read_no_further(tmp_path: Path) -> None:
    sent = 0

    async def endless() -> AsyncGenerator[bytes]:
        nonlocal sent
        yield b'{"content": "'
        while sent < 4 * MAX_BODY:
            sent += 65536
            yield b"x" * 65536

    async with asyncio.timeout(20), stage(tmp_path) as edge, edge.http() as client:
        headers = {"Content-Type": "application/json"}
        answer = await client.post(MESSAGES, content=endless(), headers=headers)

    assert answer.status_code == 400


async def test_a_body_of_the_largest_size_is_read(tmp_path: Path) -> None:
    async with asyncio.timeout(20), stage(tmp_path) as edge, edge.http() as client:
        body = b'{"content": "x"' + b" " * (MAX_BODY - 16) + b"}"
        answer = await client.post(
            MESSAGES, content=body, headers={"Content-Type": "application/json"}
        )

    assert len(body) == MAX_BODY
    assert answer.status_code == 404, "read, understood, and of a session that is not there"
