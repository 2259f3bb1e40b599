"""`codegen login` and `logout`: keep a team's token or a provider's key, or forget it.

Reads the secret without echo, or from a pipe; never from an argument.
"""

import getpass
import re
import sys
from difflib import get_close_matches

from executor.cli.credentials import Credentials, server_name
from executor.cli.models import provider_names
from executor.cli.placing import here
from executor.cli.rest import ask
from executor.errors import UsageError
from executor.link import endpoint

MAX_SECRET = 8192
_ODD_VARIABLES = {"huggingface": "HF_TOKEN", "hf": "HF_TOKEN"}


def login(provider: str | None, server: str | None) -> int:
    """Ask for the secret, try a server's token, and say where it is kept."""
    name = _name(provider, server)
    if provider is not None:
        _must_exist(provider)
    secret = _secret(name)
    if server is not None:
        ask(endpoint(server, secret), "GET", "/api/v1/sessions?limit=1")
    kept = Credentials(here().config).keep(name, secret)
    where = "the keyring" if kept == "keyring" else f"{here().config / 'credentials.json'} (0600)"
    sys.stderr.write(f"{name}: kept in {where}\n")
    return 0


def logout(provider: str | None, server: str | None) -> int:
    name = _name(provider, server)
    if not Credentials(here().config).forget(name):
        raise UsageError(f"{name} is not kept here")
    sys.stderr.write(f"{name}: forgotten\n")
    return 0


def _must_exist(provider: str) -> None:
    known = provider_names()
    if provider.lower() not in (*known, *_ODD_VARIABLES):
        near = get_close_matches(provider.lower(), known, 1, cutoff=0.7)
        hint = f"; did you mean {near[0]}?" if near else "; see codegen models"
        raise UsageError(f"there is no provider {provider!r}{hint}")


def variable_of(provider: str) -> str:
    """The variable in which this provider's key is usually set."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,40}", provider):
        raise UsageError(f"{provider!r} is no provider's name; see codegen models")
    word = provider.lower()
    return _ODD_VARIABLES.get(word, f"{word.upper().replace('-', '_')}_API_KEY")


def _name(provider: str | None, server: str | None) -> str:
    if (provider is None) == (server is None):
        raise UsageError("say which: codegen login openai, or codegen login --server wss://...")
    return server_name(server) if server is not None else variable_of(provider or "")


def _secret(name: str) -> str:
    if sys.stdin.isatty():
        secret = getpass.getpass(f"{name}: ").strip()
    else:
        secret = sys.stdin.read(MAX_SECRET).strip()
    if not secret or not secret.isascii() or not secret.isprintable():
        raise UsageError(f"{name}: that is no token or key; nothing was kept")
    return secret
