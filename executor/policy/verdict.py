"""The outcomes of a decision, one type each.

Values only; who decides is `decide`, who asks the user is `session`.
"""

from typing import Literal

import msgspec

Mode = Literal["read-only", "ask", "auto-edit", "auto"]


class Allow(msgspec.Struct, frozen=True):
    rule: str = ""
    """Which rule or default decided, in words."""


class Ask(msgspec.Struct, frozen=True):
    why: str
    rule: str = ""
    remember: str = ""
    """What a remembered approval would cover, in words; empty if it can't be remembered."""
    remember_rule: str = ""
    """The same as a rule in the configuration's syntax."""
    lasting: bool = False
    """Whether that rule may be kept for ever, in every project."""


class Deny(msgspec.Struct, frozen=True):
    why: str
    rule: str = ""


Verdict = Allow | Ask | Deny
