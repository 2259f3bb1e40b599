"""`maestro keys`: people and their tokens.

A token is shown once, here; the database keeps its hash.
"""

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import Any

from maestro.bootstrap import open_ledger
from maestro.settings import Backends, resolve


def create_key(flags: Mapping[str, Any], name: str) -> int:
    """Print a fresh token for `name` on standard output, and what to do with it on the other."""
    token = asyncio.run(_create(resolve(flags, os.environ).backends, name))
    sys.stdout.write(f"{token}\n")
    sys.stderr.write(
        f"This is the only time that {name}'s token is shown. On their machine:\n"
        "  codegen login --server wss://YOUR-MAESTRO\n"
    )
    return 0


async def _create(backends: Backends, name: str) -> str:
    async with open_ledger(backends) as stores:
        return await stores.accounts.create(name)
