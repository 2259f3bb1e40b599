"""What every command but a run starts from: folders, settings, kept secrets, a maestro.

Resolves; each command does its own work.
"""

import os
from collections.abc import Mapping
from typing import Any

from executor.bootstrap.server import looking_endpoint, private_endpoint, team_endpoint
from executor.cli.credentials import Credentials, server_name
from executor.link import Endpoint
from executor.settings import Folders, Settings, folders, resolve


def here() -> Folders:
    return folders(os.environ)


def settings_of(given: Mapping[str, Any]) -> Settings:
    return resolve(given, os.environ, config_file=here().config_file)


def token_for(settings: Settings, places: Folders) -> str | None:
    """The token that was given, or the one that `codegen login` keeps for this server."""
    if settings.token is not None or settings.server is None:
        return settings.token
    return Credentials(places.config).get(server_name(settings.server))


def with_kept_keys(environment: Mapping[str, str], places: Folders) -> dict[str, str]:
    """The environment, with kept provider keys where it has none of its own."""
    return {**Credentials(places.config).provider_keys(), **environment}


def maestro(server: str | None, token: str | None, *, for_prompts: bool = False) -> Endpoint:
    """The maestro that the flags and settings name; a private one is started if need be.

    `for_prompts`: the one that a prompt typed here would meet, which needs a model; else one that
    knows the sessions will do.
    """
    places = here()
    settings = settings_of({"server": server, "token": token})
    team = team_endpoint(settings, token_for(settings, places))
    if team is not None:
        return team
    environment = with_kept_keys(os.environ, places)
    if for_prompts:
        return private_endpoint(places, settings, environment)[0]
    return looking_endpoint(places, settings, environment)
