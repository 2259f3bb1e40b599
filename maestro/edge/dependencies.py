"""What an edge is given by the composition root, and the numbers that bound it.

Values only: opens nothing and decides nothing.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from maestro.edge.address import Network
from maestro.ports import Account, Accounts, Appended, Bus, Claimant, Ledger, Limits
from protocol.version import HANDSHAKE_SECONDS


@dataclass(frozen=True)
class TokenAuth:
    """Tokens of accounts: a team's maestro."""

    accounts: Accounts


@dataclass(frozen=True)
class SecretAuth:
    """One secret for one user: a private maestro."""

    secret: str = field(repr=False)
    account: Account


@dataclass(frozen=True)
class NoAuth:
    """Everybody is this account. On loopback only, which the settings hold."""

    account: Account


Auth = TokenAuth | SecretAuth | NoAuth

ANY_HOST = "*"


def nobody(_session_id: str) -> Claimant | None:
    """The workers are elsewhere, and whoever is first of them claims."""
    return None


@dataclass(frozen=True)
class EdgeLimits:
    handshake_seconds: float = HANDSHAKE_SECONDS
    word_seconds: float = 3.0
    """How long an executor that wants in waits before it is told why."""
    send_seconds: float = 30.0
    """How long a peer may leave a frame unread before it is closed."""
    heads_seconds: float = 2.0
    """Between two looks for lost nudges and higher epochs."""
    touch_seconds: float = 15.0
    """Between two refreshes of `seen_at`."""
    waiting_frames: int = 64
    waiting_bytes: int = 4 * 1024 * 1024
    """Frames of one executor that were read and wait for the ledger; above, reading stops."""
    live_bytes: int = 16 * 1024
    """UTF-8 bytes of one piece of live output."""
    metered_bytes: int = 256 * 1024
    """Received from one executor between two looks at what its owner may send."""
    sockets: int = 2_000
    """Open sockets and event streams of this process."""


@dataclass(frozen=True)
class EdgeDependencies:
    ledger: Ledger
    bus: Bus
    auth: Auth
    step: Callable[[str, Appended | None], None]
    """Called with a session's id after each fact, and what that left: step here, or nudge."""
    model_refusal: Callable[[str], str | None]
    """Why a run may not have this `provider/name`; None: it may."""
    quotas: Limits
    """What each person may have and send."""
    allowed_hosts: frozenset[str]
    """Lower-case names without port; ANY_HOST lets all in."""
    allowed_origins: frozenset[str] = frozenset()
    """`scheme://host[:port]` of web pages that may call; most peers send no Origin."""
    trusted_proxies: tuple[Network, ...] = ()
    """Whose X-Forwarded-For is believed."""
    readiness: Mapping[str, Callable[[], Awaitable[None]]] = field(
        default_factory=dict[str, Callable[[], Awaitable[None]]]
    )
    """Checks beside ledger and bus, by name; each raises MaestroError saying what is missing."""
    limits: EdgeLimits = EdgeLimits()
    share: float | None = None
    """Of one processor, what one person may take for long; None: all that there is."""
    claimant: Callable[[str], Claimant | None] = nobody
    """Who steps this session here as soon as its last call is answered; None: nobody."""
    version: str = ""
    idle_limit: float | None = None
    """Seconds without anyone after which the process ends; None: never."""
