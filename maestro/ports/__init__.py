"""The seams of the maestro that have more than one real implementation.

Interfaces and the values that cross them; every implementation passes the same contract suite.
"""

from maestro.ports.accounts import Account, Accounts
from maestro.ports.bus import Bus, HeadMoved, Live, Nudge, Overflowed, Subscription
from maestro.ports.ledger import Appends, Branches, Claims, Ledger, Presence, Sessions
from maestro.ports.model import Model
from maestro.ports.outcomes import (
    Appended,
    Attached,
    AttachRefused,
    Branched,
    BranchRefused,
    Claim,
    Loaded,
    Opened,
    Refused,
    SessionRow,
    SessionSummary,
)

__all__ = [
    "Account",
    "Accounts",
    "Appended",
    "Appends",
    "AttachRefused",
    "Attached",
    "BranchRefused",
    "Branched",
    "Branches",
    "Bus",
    "Claim",
    "Claims",
    "HeadMoved",
    "Ledger",
    "Live",
    "Loaded",
    "Model",
    "Nudge",
    "Opened",
    "Overflowed",
    "Presence",
    "Refused",
    "SessionRow",
    "SessionSummary",
    "Sessions",
    "Subscription",
]
