"""The composition root: settings become a running maestro.

The only place that names concrete ledgers, buses, models and servers; imports each one late.
"""

from maestro.bootstrap.stores import migrate_ledger, open_bus, open_ledger

__all__ = ["migrate_ledger", "open_bus", "open_ledger"]
