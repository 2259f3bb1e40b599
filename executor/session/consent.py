"""Whether a call may run: policy first, then the user, one question at a time.

Waits for a human where policy says so; the call's own task is the only one that does.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal, assert_never

import msgspec

from executor.errors import ToolFailure, UsageError
from executor.policy.call import PlannedCall
from executor.policy.git_within import rule_naming
from executor.policy.verdict import Allow, Ask, Deny, Verdict
from executor.process.git_foretelling import Losses
from executor.session.parts import SessionParts
from executor.session.results import Refused
from executor.session.words import body, title
from executor.view.port import Approved, Declined, Notice, Question
from executor.workspace.text import decode
from executor.workspace.waiting import in_thread
from protocol.tools.write_file import WriteFile


class Asking(msgspec.Struct, frozen=True):
    """What belongs to a question, beside the call."""

    check: Callable[[], Awaitable[None]]
    """May raise ToolFailure: then nobody is asked."""
    begins: Callable[[], None]
    """Called before a human is waited for."""
    losses: Callable[[], Awaitable[Losses]]
    """What the call would throw away; only looks."""


class _Decided(msgspec.Struct, frozen=True):
    refused: Refused | None
    by: Literal["policy", "user", "nobody"]
    rule: str


class Consent:
    """One queue of questions. Cancelling a waiting call withdraws its question."""

    def __init__(self, parts: SessionParts) -> None:
        self._parts = parts
        self._one_at_a_time = asyncio.Lock()

    async def refusal(self, tool_id: str, call: PlannedCall, asking: Asking) -> Refused | None:
        """None when the call may run. Raises the ToolFailure of `asking.check`."""
        made = await self._decided(tool_id, call, asking)
        verdict = "allow" if made.refused is None else "deny"
        effects = call.effect != "read"
        self._parts.audit.decided(tool_id, verdict, made.rule, made.by, effects=effects)
        return made.refused

    async def _decided(self, tool_id: str, call: PlannedCall, asking: Asking) -> _Decided:
        verdict, _ = await self._verdict(call, asking)
        match verdict:
            case Allow() | Deny():
                return _settled(verdict)
            case Ask(why=why) if call.bootstrap:
                return _Decided(
                    Refused(f"Not asked before the first answer: {why}"), "nobody", verdict.rule
                )
            case Ask():
                await asking.check()
                asking.begins()
            case _:
                assert_never(verdict)
        async with self._one_at_a_time:
            # An answer to the question before may have settled this one.
            verdict, losses = await self._verdict(call, asking)
            match verdict:
                case Ask() as ask:
                    refused = await self._asked(tool_id, call, ask, losses or await asking.losses())
                    unasked = refused is not None and refused.for_want_of_terminal
                    return _Decided(refused, "nobody" if unasked else "user", ask.rule)
                case settled:
                    return _settled(settled)

    async def _verdict(self, call: PlannedCall, asking: Asking) -> tuple[Verdict, Losses | None]:
        """The policy's; but what may run unasked asks where it would throw work away."""
        verdict = self._parts.decide(call)
        if not isinstance(verdict, Allow) or call.bootstrap:
            return verdict, None
        losses = await asking.losses()
        if not losses.command:
            return verdict, losses
        why = f"git {losses.command[0]} would throw work away, or rewrite what others have"
        return Ask(why, "what would be lost is asked about"), losses

    async def _body(self, call: PlannedCall) -> str:
        if not isinstance(call.parameters, WriteFile):
            return body(call)
        path = call.parameters.file_path
        try:
            there = await in_thread(lambda: self._parts.workspace.read_if_exists(path))
        except ToolFailure:
            return body(call)  # the tool will say what is wrong with it
        text = None if there is None else decode(there.content)
        return body(call, None if text is None else text.text)

    async def _keep(self, ask: Ask) -> None:
        """For ever; where that fails the yes holds for the session, and the user is told."""
        keep = self._parts.keep_rule
        if keep is None:
            return
        try:
            await in_thread(lambda: keep(ask.remember_rule))
        except UsageError as error:
            self._parts.view.show(Notice(str(error), "warning"))

    async def _asked(
        self, tool_id: str, call: PlannedCall, ask: Ask, losses: Losses
    ) -> Refused | None:
        redact = self._parts.redactor.redact  # screens are recorded; a placeholder says which one
        whole = await self._body(call)
        question = Question(
            tool_id=tool_id,
            tool_name=call.tool_name,
            title=redact(title(call)),
            why=ask.why,
            body=redact(f"{whole}\n\n{losses.text}" if losses.text else whole),
            remember=ask.remember,
            lasting=ask.lasting and self._parts.keep_rule is not None,
        )
        match await self._parts.view.ask(question):
            case Approved(scope=scope):
                if scope != "once":
                    self._parts.remember(ask)
                if scope == "always":
                    await self._keep(ask)
                return None
            case Declined(unasked=True):
                return Refused(
                    f"Denied: {ask.why}, and there is no terminal to ask on",
                    for_want_of_terminal=True,
                    advice=_advice(losses),
                )
            case Declined(words=words):
                return Refused(f"Denied by the user: {words}" if words else "Denied by the user")


def _advice(losses: Losses) -> str:
    """For a model whose call throws work away, and who can't have its user asked."""
    if not losses.command:
        return losses.text
    return (
        f"{losses.text}\n"
        "Keep it first, in a call before this one (git stash, or a commit), or do without. Only "
        "the user can allow it, by a rule in their own configuration: "
        f"{rule_naming(losses.command)}."
    )


def _settled(verdict: Allow | Deny) -> _Decided:
    match verdict:
        case Allow(rule=rule):
            return _Decided(None, "policy", rule)
        case Deny(why=why, rule=rule):
            return _Decided(Refused(f"Denied by this machine's policy: {why}"), "policy", rule)
