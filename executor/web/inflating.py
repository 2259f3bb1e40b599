"""Read a body chunk by chunk, decode gzip and deflate, and stop at the bounds of both sides.

Holds at most the bounds, whatever a body claims or inflates to.
"""

import zlib
from collections.abc import Iterable

import msgspec

_ZLIB_OR_GZIP = 47
_RAW = -15


class NotInflatable(ValueError):
    """The body is not what its encoding says."""


class Inflated(msgspec.Struct, frozen=True):
    content: bytes
    cut: bool


def inflated(chunks: Iterable[bytes], encoding: str, wire_max: int, body_max: int) -> Inflated:
    """At most `body_max` bytes made of at most `wire_max`. Raises NotInflatable."""
    decode = _decoder(encoding.strip().lower())
    body = bytearray()
    wire = 0
    for chunk in chunks:
        taken = chunk[: wire_max - wire]
        wire += len(taken)
        body += decode(taken, body_max + 1 - len(body))
        if len(body) > body_max or len(taken) < len(chunk):
            return Inflated(bytes(body[:body_max]), cut=True)
    return Inflated(bytes(body), cut=False)


class _AsItIs:
    def __call__(self, chunk: bytes, most: int) -> bytes:
        return chunk[:most]


class _Deflated:
    """zlib and gzip by their heads, and the bare stream that some servers send as deflate."""

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(_ZLIB_OR_GZIP)
        self._begun = False

    def __call__(self, chunk: bytes, most: int) -> bytes:
        try:
            return self._decode(chunk, most)
        except zlib.error as error:
            raise NotInflatable("its compressed body is damaged") from error

    def _decode(self, chunk: bytes, most: int) -> bytes:
        if self._decoder.eof:
            return b""
        try:
            out = self._decoder.decompress(chunk, most)
        except zlib.error:
            if self._begun:
                raise
            self._decoder = zlib.decompressobj(_RAW)
            out = self._decoder.decompress(chunk, most)
        self._begun = self._begun or bool(chunk)
        # What is left undecoded is beyond the bound: nobody asks for it.
        return out


def _decoder(encoding: str) -> _AsItIs | _Deflated:
    match encoding:
        case "" | "identity":
            return _AsItIs()
        case "gzip" | "x-gzip" | "deflate":
            return _Deflated()
        case _:
            raise NotInflatable(
                f"its body is encoded as {encoding[:60]!r}, which was not asked for"
            )
