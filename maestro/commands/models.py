"""`maestro models`: the table of providers, and which of them have a key.

Asks nobody: what a provider sells at this moment, only its own pages know.
"""

import json
import os
import sys
from collections.abc import Mapping
from typing import Any, cast

from maestro.errors import SettingsError
from maestro.llm.providers import listing, resolve

MAX_ENVIRONMENT_BYTES = 1024 * 1024


def models(*, environment_from_stdin: bool) -> int:
    """A line for each provider: name, its model, key variable, whether that is set, the default."""
    environment: Mapping[str, str] = os.environ
    if environment_from_stdin:
        environment = _told(sys.stdin.read(MAX_ENVIRONMENT_BYTES))
    default = _default(environment)
    for entry in listing(environment):
        state = "ready" if entry.ready else f"set {entry.key_variable}"
        if entry.local:
            state = "local, no key needed"
        if entry.name == default:
            state = f"{state}, the default"
        sys.stdout.write(f"{entry.name:<12} {entry.model or '-':<42} {state}\n")
    return 0


def _default(environment: Mapping[str, str]) -> str | None:
    """The provider that is asked where nobody names a model."""
    try:
        return resolve(None, environment, None).endpoint.provider
    except SettingsError:
        return None


def _told(text: str) -> Mapping[str, str]:
    try:
        told: Any = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"the environment on standard input is not JSON: {error}") from error
    if not isinstance(told, dict):
        raise SettingsError("the environment on standard input is not a JSON object")
    return cast("dict[str, str]", told)
