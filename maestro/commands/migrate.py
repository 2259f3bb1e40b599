"""`maestro migrate`: bring the database's schema to what this version needs.

Safe to run from many processes at once, and while older maestros serve.
"""

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import Any

from maestro.bootstrap import migrate_ledger
from maestro.settings import resolve


def migrate(flags: Mapping[str, Any]) -> int:
    """Exit code 0; a database that can't be reached is a MaestroError."""
    settings = resolve(flags, os.environ)
    version = asyncio.run(migrate_ledger(settings.backends))
    sys.stdout.write(f"schema is at version {version}\n")
    return 0
