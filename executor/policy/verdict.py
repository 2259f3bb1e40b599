"""The outcomes of a decision, one type each.

Values only; who decides is `decide`, who asks the user is `session`.
"""

from dataclasses import dataclass
from typing import Literal

Mode = Literal["read-only", "ask", "auto-edit", "auto"]


@dataclass(frozen=True, slots=True)
class Allow:
    rule: str = ""
    """Which rule or default decided, in words."""


@dataclass(frozen=True, slots=True)
class Ask:
    why: str
    rule: str = ""
    remember: str = ""
    """What a remembered approval would cover, in words; empty if it can't be remembered."""
    remember_rule: str = ""
    """The same as a rule in the configuration's syntax."""


@dataclass(frozen=True, slots=True)
class Deny:
    why: str
    rule: str = ""


Verdict = Allow | Ask | Deny
