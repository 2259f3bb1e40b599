"""The user's own tools, where there are any: their room is loaded only then.

Finds out whether there are files; what they say is `own_tools`' business.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from executor.session.parts import CustomToolRunner
from executor.settings import Folders
from protocol.wire import JsonObject

if TYPE_CHECKING:
    from executor.own_tools.catalogue import Sourced


def custom_tools(folders: Folders, environment: Mapping[str, str]) -> dict[str, CustomToolRunner]:
    """By name. Raises UsageError, which names the file and the tool that is wrong."""
    return {name: each.tool for name, each in own_tools(folders, environment).items()}


def own_tools(folders: Folders, environment: Mapping[str, str]) -> "dict[str, Sourced]":
    """The same with the file that each comes from."""
    config = folders.config
    if not (config / "tools.toml").exists() and not (config / "tools").is_dir():
        return {}
    from executor.own_tools.catalogue import own_tools as found

    return found(config, folders.state, environment, _misfit)


def _misfit(schema: JsonObject, parameters: JsonObject) -> str | None:
    from executor.own_tools.checking import misfit

    return misfit(schema, parameters)
