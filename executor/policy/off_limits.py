"""What may not be read unasked: secrets by their names, and what rules about reading name.

Looks at names only.
"""

from collections.abc import Sequence

import msgspec

from executor.policy.rules import Rule
from executor.workspace.left_out import LeftOut
from executor.workspace.secret_names import is_secret


class OffLimits(msgspec.Struct, frozen=True):
    named: LeftOut = LeftOut()
    """By the user's rules."""

    def covers(self, parts: Sequence[str]) -> bool:
        return is_secret(parts) or self.named.covers(parts)


def off_limits(*rules: tuple[Rule, ...]) -> OffLimits:
    """What rules that deny, or ask, about reading certain files take out of `only looks`."""
    return OffLimits(left_out(*rules))


def left_out(*rules: tuple[Rule, ...]) -> LeftOut:
    """The paths that rules about reading name."""
    return LeftOut(
        tuple(
            rule.pattern
            for some in rules
            for rule in some
            if rule.names("ReadFile") and rule.pattern is not None
        )
    )
