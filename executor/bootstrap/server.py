"""Which maestro to connect to: the team's, or a private one that is found or started.

Knows addresses and tokens; the connection is the link's business.
"""

import asyncio
from collections.abc import Mapping

from executor.errors import UsageError
from executor.link import Endpoint, endpoint
from executor.link.link import Revive
from executor.local_maestro.place import Place, place, place_without_model, serves_one_run
from executor.local_maestro.start import PrivateMaestro, ensure, join
from executor.settings import Folders, Settings


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


def looking_endpoint(
    folders: Folders, settings: Settings, environment: Mapping[str, str]
) -> Endpoint:
    """A private maestro for what asks no model: the one that a prompt would join, if it can run.

    Where its settings will not do, as without a key, it is one that knows of no model: the
    sessions are the same. Blocks and raises as `private_endpoint` does.
    """
    without = place_without_model(folders)
    if serves_one_run(settings):
        return _running(without, folders, settings, environment)
    prompts = place(folders, settings, environment)
    found = join(prompts) or join(without)
    if found is not None:
        return _endpoint(found)
    try:
        return _running(prompts, folders, settings, environment)
    except UsageError:
        return _running(without, folders, settings, environment)


def _running(
    where: Place, folders: Folders, settings: Settings, environment: Mapping[str, str]
) -> Endpoint:
    return _endpoint(ensure(where, folders, settings, environment))


def _endpoint(found: PrivateMaestro) -> Endpoint:
    return endpoint(f"unix:{found.socket}", found.secret)
