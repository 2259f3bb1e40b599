"""`maestro serve`: a team's maestro, in the foreground, until SIGTERM.

Prints where it listens, and a first token when there is no account yet.
"""

import os
import sys
from collections.abc import Mapping
from typing import Any

import structlog

from maestro import failpoints
from maestro.bootstrap import open_ledger
from maestro.bootstrap.logs import configure_logs, secrets_of
from maestro.bootstrap.loops import run
from maestro.bootstrap.serving import serve as serve_until_told
from maestro.errors import AccountExists
from maestro.ports import Accounts
from maestro.settings import Settings, resolve

log = structlog.get_logger(__name__)

FIRST_ACCOUNT = "admin"


def serve(flags: Mapping[str, Any]) -> int:
    settings = resolve(flags, os.environ)
    configure_logs(settings.log_level, settings.log_format, secrets_of(settings))
    for doubt in settings.doubts:
        log.warning("setting_unknown", doubt=doubt)
    failpoints.arm(os.environ)
    run(_serve(settings))
    return 0


async def _serve(settings: Settings) -> None:
    async with open_ledger(settings.backends) as stores:
        await stores.check()
        if settings.auth == "token" and settings.role != "worker":
            await first_account(stores.accounts)

    def announce(where: str) -> None:
        sys.stderr.write(f"maestro {settings.role}: {where}\n")

    await serve_until_told(settings, announce)


async def first_account(accounts: Accounts) -> None:
    """Where nobody could come in: make an account and show its token, this once."""
    if await accounts.any():
        return
    try:
        token = await accounts.create(FIRST_ACCOUNT)
    except AccountExists:  # another first start was quicker, and has shown its token
        return
    sys.stderr.write(f"first start: the token of {FIRST_ACCOUNT!r}, shown this once:\n")
    sys.stdout.write(f"{token}\n")
    sys.stdout.flush()
