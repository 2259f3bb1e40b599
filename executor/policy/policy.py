"""The policy in force: what was configured, and what the user allowed since.

Holds the one piece of state; the decision itself is `decide`'s, and pure.
"""

from collections.abc import Callable

from msgspec.structs import replace

from executor.policy.call import PlannedCall
from executor.policy.decide import PolicyState, Rules, decide, only_looks
from executor.policy.git_within import git_within
from executor.policy.ground import ProjectGround
from executor.policy.rules import parse_rule
from executor.policy.verdict import Ask, Mode, Verdict
from executor.process.git_foretelling import GitCommand


class Policy:
    """Decides for one session; loosened only by its user."""

    def __init__(
        self, state: PolicyState, ground: ProjectGround, contains: Callable[[], bool] | None = None
    ) -> None:
        """`contains` tells whether commands are contained; asked where it matters only."""
        self.state = state
        self._ground = ground
        self._contains = contains

    def decide(self, call: PlannedCall) -> Verdict:
        state = self.state
        if state.mode == "auto" and self._contains is not None:
            state = replace(state, contained=self._contains())
        return decide(call, state, self._ground.for_one_decision())

    def git_within(self, call: PlannedCall) -> tuple[GitCommand, ...]:
        """The git commands that `call` holds, those marked that a rule of the user's names."""
        return git_within(call, self.state, self._ground.for_one_decision())

    def only_looks(self, call: PlannedCall) -> bool:
        """The call is proven to change nothing."""
        return only_looks(call, self.state, self._ground.for_one_decision())

    def remember(self, ask: Ask) -> None:
        """Allow from now on what the question said it would cover; until the session ends."""
        if not ask.remember_rule:
            return
        rules = self.state.rules
        allowed = (*rules.allow, parse_rule(ask.remember_rule))
        self.state = replace(self.state, rules=replace(rules, allow=allowed))

    def set_mode(self, mode: Mode) -> None:
        self.state = replace(self.state, mode=mode)


def rules_of(allow: tuple[str, ...], ask: tuple[str, ...], deny: tuple[str, ...]) -> Rules:
    """The rules that configuration texts spell; raises UsageError, which quotes a bad one."""
    return Rules(
        tuple(map(parse_rule, allow)), tuple(map(parse_rule, ask)), tuple(map(parse_rule, deny))
    )
