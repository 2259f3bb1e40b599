"""Which WebSocket leads to an endpoint: straight there, or through the user's proxy.

Decides and hands over; what TLS trusts is settled here for both.
"""

import os
import sys
from typing import TYPE_CHECKING

from executor.errors import UsageError
from executor.late_tls import bring_tls
from executor.link.direct import open_direct
from executor.link.endpoint import Endpoint
from executor.link.socket import Socket

if TYPE_CHECKING:
    from ssl import SSLContext


async def open_websocket(endpoint: Endpoint) -> Socket:
    """Connect within 10 seconds. Raises DialFailed."""
    tls = _trust(endpoint) if endpoint.url.startswith("wss:") else None
    if not is_proxied(endpoint):
        return await open_direct(endpoint, tls)
    from executor.link.proxied import open_proxied

    return await open_proxied(endpoint, tls)


def is_proxied(endpoint: Endpoint) -> bool:
    """Whether a proxy may have a say; beyond Linux the system's own settings may name one."""
    if endpoint.direct or endpoint.socket is not None:
        return False
    return sys.platform != "linux" or any(
        value and name.lower().endswith("_proxy") and name.lower() != "no_proxy"
        for name, value in os.environ.items()
    )


def _trust(endpoint: Endpoint) -> "SSLContext":
    bring_tls()
    import ssl

    import truststore

    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if endpoint.ca_file is not None:
        try:
            context.load_verify_locations(endpoint.ca_file)
        except OSError as error:
            raise UsageError(
                f"{endpoint.ca_file}: no certificates can be read from it: {error}"
            ) from error
    return context
