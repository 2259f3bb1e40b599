"""The seams of the maestro that have more than one real implementation.

Interfaces and the values that cross them; every implementation passes the same contract suite.
"""

from maestro.ports.accounts import Account, Accounts, Key
from maestro.ports.bus import Bus, HeadMoved, Live, Nudge, Overflowed, Subscription
from maestro.ports.ledger import Appends, Branches, Claims, Ledger, Presence, Sessions
from maestro.ports.limits import UNLIMITED, Counted, Limited, Limits, Quotas
from maestro.ports.model import Model
from maestro.ports.outcomes import (
    UNBOUNDED,
    Allowance,
    Appended,
    Attached,
    AttachRefused,
    Branched,
    BranchRefused,
    Claim,
    Claimant,
    Exhausted,
    Loaded,
    Opened,
    Refused,
    SessionRow,
    SessionSummary,
)

__all__ = [
    "UNBOUNDED",
    "UNLIMITED",
    "Account",
    "Accounts",
    "Allowance",
    "Appended",
    "Appends",
    "AttachRefused",
    "Attached",
    "BranchRefused",
    "Branched",
    "Branches",
    "Bus",
    "Claim",
    "Claimant",
    "Claims",
    "Counted",
    "Exhausted",
    "HeadMoved",
    "Key",
    "Ledger",
    "Limited",
    "Limits",
    "Live",
    "Loaded",
    "Model",
    "Nudge",
    "Opened",
    "Overflowed",
    "Presence",
    "Quotas",
    "Refused",
    "SessionRow",
    "SessionSummary",
    "Sessions",
    "Subscription",
]
