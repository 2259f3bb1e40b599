"""The gate before every route and socket: Host, Origin, token, in that order; deny by default.

Answers the upgrade itself with an HTTP status, so that a refused peer never holds a socket. Knows
no route but the two open ones.
"""

import hmac
import re
from collections.abc import Sequence
from typing import assert_never

from starlette.types import ASGIApp, Receive, Scope, Send

from maestro.edge.address import client_address
from maestro.edge.bodies import bounded, is_too_large
from maestro.edge.dependencies import (
    ANY_HOST,
    Auth,
    EdgeDependencies,
    NoAuth,
    SecretAuth,
    TokenAuth,
)
from maestro.edge.failures import Failures
from maestro.edge.refusals import TOO_LARGE, TOO_MANY_WAIT, Refusal, refuse, too_many
from maestro.edge.shares import REQUEST_SECONDS, Shares
from maestro.errors import LedgerUnavailable
from maestro.ports import Account

OPEN_PATHS = frozenset({"/health", "/ready"})
"""What a load balancer asks, by address and without a token."""
WAITING_MAX = 256
"""Of what one person asks, how much may wait for its turn, frames of open sockets among it."""

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]+))(?::[0-9]{1,5})?")


class Gate:
    """ASGI middleware; what passes has its Account in the scope's state."""

    def __init__(self, app: ASGIApp, dependencies: EdgeDependencies, shares: Shares) -> None:
        self._app = app
        self._auth = dependencies.auth
        self._hosts = dependencies.allowed_hosts
        self._origins = dependencies.allowed_origins
        self._proxies = dependencies.trusted_proxies
        self._failures = Failures(dependencies.quotas)
        self._quotas = dependencies.quotas
        self._shares = shares

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        admitted = await self._admit(scope["headers"], scope.get("client"))
        if isinstance(admitted, Refusal):
            await refuse(admitted, scope, receive, send)
            return
        scope.setdefault("state", {})["account"] = admitted
        if scope["type"] == "http":
            if is_too_large(scope["headers"]):
                await refuse(TOO_LARGE, scope, receive, send)
                return
            receive = bounded(receive)
        await self._app(scope, receive, send)

    async def _admit(
        self, headers: Sequence[tuple[bytes, bytes]], peer: tuple[str, int] | None
    ) -> Account | Refusal:
        if not self._knows_host(_values(headers, b"host")):
            return Refusal(403, "host_not_allowed", "this Host is not one of this maestro's names")
        if any(origin not in self._origins for origin in _values(headers, b"origin")):
            return Refusal(403, "origin_not_allowed", "this Origin may not call this maestro")
        token = _token(headers)
        forwarded = _values(headers, b"x-forwarded-for")
        address = client_address(peer[0] if peer else None, forwarded, self._proxies)
        limited = await self._failures.refusal(address, token)
        if limited is not None:
            return too_many(limited)
        # Whoever asks too often is told before the database is asked who that is.
        known = self._failures.owner(token)
        crowded = None if known is None else await self._crowded(known)
        if crowded is not None:
            return crowded
        try:
            account = await authenticate(self._auth, token)
        except LedgerUnavailable:
            return Refusal(503, "unavailable", "tokens cannot be checked: the database is away")
        if account is None:
            await self._failures.failed(address, token)
            return Refusal(401, "unauthorized", "a valid token is needed: Authorization: Bearer")
        self._failures.passed(token, account.owner)
        crowded = await self._crowded(account.owner) if known != account.owner else None
        return crowded or account

    async def _crowded(self, owner: str) -> Refusal | None:
        """Count one request of theirs, which may have to wait for its turn; why it is refused."""
        share = self._shares.of(owner)
        if share.waiting >= WAITING_MAX:
            return TOO_MANY_WAIT
        limited = await self._quotas.spend("requests", owner)
        if limited is not None:
            return too_many(limited)
        await share.spend(REQUEST_SECONDS)
        return None

    def _knows_host(self, hosts: Sequence[str]) -> bool:
        return ANY_HOST in self._hosts or (len(hosts) == 1 and _host(hosts[0]) in self._hosts)


async def authenticate(auth: Auth, token: str | None) -> Account | None:
    """Whose token it is. Raises LedgerUnavailable when accounts can't be read."""
    match auth:
        case NoAuth(account):
            return account
        case SecretAuth(secret, account):
            known = token is not None and hmac.compare_digest(secret.encode(), token.encode())
            return account if known else None
        case TokenAuth(accounts):
            return await accounts.authenticate(token) if token else None
        case _:
            assert_never(auth)


def _values(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in headers if key.lower() == name]


def _host(header: str) -> str:
    """The name without its port: `[::1]:80` is `::1`. Empty for what is no name and port."""
    found = _HOST.fullmatch(header)
    return "" if found is None else (found[1] or found[2]).rstrip(".").lower()


def _token(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """The bearer token; None when there is none, or more than one header to choose from."""
    values = _values(headers, b"authorization")
    if len(values) != 1:
        return None
    scheme, _, token = values[0].partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None
