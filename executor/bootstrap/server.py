"""Which maestro to connect to: the team's, or a private one that is found or started.

Knows addresses and tokens; the connection is the link's business.
"""

import asyncio
from collections.abc import Mapping

from executor.link import Endpoint, endpoint
from executor.link.link import Revive
from executor.local_maestro.place import Place, place
from executor.local_maestro.start import ensure
from executor.settings import Folders, Settings

PRIVATE = "private maestro"


def team_endpoint(settings: Settings, token: str | None) -> Endpoint | None:
    """The endpoint that the settings name; None: a private maestro is wanted."""
    if settings.server is None:
        return None
    return endpoint(settings.server, token, ca_file=settings.ca_file)


def private_endpoint(
    folders: Folders, settings: Settings, environment: Mapping[str, str]
) -> tuple[Endpoint, Revive]:
    """The private maestro of this configuration, running, and how to bring it back.

    Blocks while it starts; raises ServerUnreachable in its own words when it does not.
    """
    where = place(folders, settings, environment)

    async def revive() -> Endpoint:
        return await asyncio.to_thread(_running, where, folders, settings, environment)

    return _running(where, folders, settings, environment), revive


def _running(
    where: Place, folders: Folders, settings: Settings, environment: Mapping[str, str]
) -> Endpoint:
    found = ensure(where, folders, settings, environment)
    return endpoint(f"unix:{found.socket}", found.secret)
