"""`maestro serve`: a team's maestro, in the foreground, until SIGTERM.

Prints where it listens, and a first token when there is no account yet.
"""

import os
import sys
from collections.abc import Mapping
from typing import Any

from maestro.bootstrap import open_ledger
from maestro.bootstrap.logs import configure_logs
from maestro.bootstrap.loops import run
from maestro.bootstrap.serving import serve as serve_until_told
from maestro.settings import Settings, resolve

FIRST_ACCOUNT = "admin"


def serve(flags: Mapping[str, Any]) -> int:
    settings = resolve(flags, os.environ)
    configure_logs(settings.log_level, settings.log_format)
    run(_serve(settings))
    return 0


async def _serve(settings: Settings) -> None:
    if settings.auth == "token" and settings.role != "worker":
        await _first_account(settings)

    def announce(where: str) -> None:
        sys.stderr.write(f"maestro {settings.role}: {where}\n")

    await serve_until_told(settings, announce)


async def _first_account(settings: Settings) -> None:
    """Nobody could come in: make an account and show its token, this once."""
    async with open_ledger(settings.backends) as stores:
        await stores.check()
        if await stores.accounts.any():
            return
        token = await stores.accounts.create(FIRST_ACCOUNT)
    sys.stderr.write(f"first start: the token of {FIRST_ACCOUNT!r}, shown this once:\n")
    sys.stdout.write(f"{token}\n")
    sys.stdout.flush()
