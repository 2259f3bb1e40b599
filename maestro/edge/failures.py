"""Failed attempts to come in, counted for each address and each token over all maestros.

A token that let somebody in lately passes although its address is at the limit: else one
colleague's wrong token would keep out everybody behind the same door.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

from maestro.ports import Limited, Limits

MAX_KNOWN = 4096
"""Tokens of which this process remembers whom they let in."""


class Failures:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._known: OrderedDict[str, str] = OrderedDict()

    async def refusal(self, address: str | None, token: str | None) -> Limited | None:
        """Why nobody looks at this token now."""
        if self.owner(token) is not None:
            return None
        for name in _names(address, token):
            found = await self._limits.look("failures", name)
            if found is not None:
                return found
        return None

    def owner(self, token: str | None) -> str | None:
        """Whom this token let in lately; it may have ended since."""
        return None if token is None else self._known.get(_name("token", token))

    async def failed(self, address: str | None, token: str | None) -> None:
        if token is not None:
            self._known.pop(_name("token", token), None)
        for name in _names(address, token):
            await self._limits.spend("failures", name)

    def passed(self, token: str | None, owner: str) -> None:
        if token is None:
            return
        name = _name("token", token)
        self._known[name] = owner
        self._known.move_to_end(name)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)


def _names(address: str | None, token: str | None) -> Sequence[str]:
    named = {"address": address, "token": token}
    return [_name(kind, value) for kind, value in named.items() if value is not None]


def _name(kind: str, value: str) -> str:
    """Neither an address nor a token stands in Redis, nor a hash that stands elsewhere too."""
    digest = hashlib.sha256(f"{kind}\0{value}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:32]
