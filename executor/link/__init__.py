"""The link to a maestro: a socket that comes back.

Hands decoded frames on; what they mean is the session's business.
"""

from executor.link.closing import AttachedElsewhere
from executor.link.endpoint import Endpoint, endpoint
from executor.link.link import Link, Peer, Reattach, Revive
from executor.link.pace import Pace
from executor.link.socket import Dial, DialFailed, Socket, SocketClosed

__all__ = [
    "AttachedElsewhere",
    "Dial",
    "DialFailed",
    "Endpoint",
    "Link",
    "Pace",
    "Peer",
    "Reattach",
    "Revive",
    "Socket",
    "SocketClosed",
    "endpoint",
]
