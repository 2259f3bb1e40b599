"""Turn a model's whole reply into the events of one append.

Each call becomes a ToolAsked; those that the maestro answers itself (its own tools, and what can't
be made) get their answer in the same append. Decides nothing and sends nothing.
"""

import re
from collections import Counter
from collections.abc import Iterator

import msgspec

from maestro.domain.conversation import ModelCall, Reply
from maestro.domain.events import (
    MAESTRO,
    AnyEvent,
    ModelReplied,
    PlanChanged,
    ToolAnswered,
    ToolAsked,
    UsageCounted,
)
from maestro.planning.arguments import Refused
from maestro.planning.toolbelt import Toolbelt
from protocol.errors import ErrorCode
from protocol.from_executor import ToolError
from protocol.strict_json import well_formed
from protocol.tools import CARRIED_OUT_BY_MAESTRO
from protocol.tools.update_plan import UpdatePlan
from protocol.wire import JsonObject

MAX_TEXT = 256 * 1024
MAX_REASONING = 256 * 1024
"""Characters; reasoning is opaque to us, so what is longer is dropped whole."""
MAX_CALLS = 64
MAX_ANSWERED_CALLS = 512
"""Calls of one reply that are carried out, that are answered at all; the rest is left out."""
_KEPT_ARGUMENTS = 16 * 1024
"""Characters that are kept of arguments that can't be used."""
_KEPT_PROVIDER_ID = 128

_EMPTY_NOTE = (
    "Your reply was empty. Go on with the task: call a tool, or, when all is done, end with a "
    "short summary."
)
_LENGTH_NOTE = (
    "Your reply reached its length limit and was cut. Go on from where it stops, in smaller pieces."
)
_FILTER_NOTE = (
    "The provider's content filter stopped your reply. Go on with the task in other words."
)
_NOT_A_NAME_CHARACTER = re.compile(r"[^A-Za-z0-9_-]")


def reply_events(
    reply: Reply, toolbelt: Toolbelt, generation_id: str, basis: int
) -> tuple[AnyEvent, ...]:
    """ModelReplied, then all calls in the model's order, then the maestro's answers, then usage."""
    text = well_formed(reply.text)[:MAX_TEXT]
    reasoning = well_formed(reply.reasoning)
    replied = ModelReplied(
        generation_id=generation_id,
        basis=basis,
        text=text,
        reasoning=reasoning if len(reasoning) <= MAX_REASONING else "",
        model=reply.model[:200],
        finish=reply.finish,
        note=_note(reply, text),
    )
    asked: list[AnyEvent] = []
    answers: list[AnyEvent] = []
    ids = Counter(call.id for call in reply.calls)
    for index, call in enumerate(reply.calls[:MAX_ANSWERED_CALLS], start=1):
        is_good_id = ids[call.id] == 1 and len(call.id) <= _KEPT_PROVIDER_ID
        first, *rest = _call_events(
            call,
            toolbelt,
            ToolAsked(
                tool_id=f"{generation_id}.{index}",
                generation_id=generation_id,
                tool_name=_NOT_A_NAME_CHARACTER.sub("_", call.name)[:64] or "unnamed",
                parameters={},
                provider_id=well_formed(call.id) if is_good_id else "",
            ),
            is_one_too_many=index > MAX_CALLS,
        )
        asked.append(first)
        answers.extend(rest)
    return (replied, *asked, *answers, UsageCounted(generation_id, reply.usage))


def _note(reply: Reply, text: str) -> str:
    """What the model is told behind a reply that neither calls nor finishes."""
    if reply.calls:
        return ""
    if reply.finish == "filter":
        return _FILTER_NOTE
    if not text.strip():
        return _EMPTY_NOTE
    return _LENGTH_NOTE if reply.finish == "length" else ""


def _call_events(
    call: ModelCall, toolbelt: Toolbelt, asked: ToolAsked, *, is_one_too_many: bool
) -> Iterator[AnyEvent]:
    """The ToolAsked, and for a call that never leaves the maestro what follows from it."""
    try:
        if is_one_too_many:
            raise Refused(
                ErrorCode.RATE_LIMITED,
                f"Not carried out: more than {MAX_CALLS} calls in one reply. Make fewer at once.",
            )
        parameters = toolbelt.parameters(call.name, call.arguments)
    except Refused as refused:
        raw = well_formed(call.arguments)[:_KEPT_ARGUMENTS]
        yield msgspec.structs.replace(asked, raw_arguments=raw, bound_to=MAESTRO)
        yield _answer(asked, refused)
        return
    if asked.tool_name in CARRIED_OUT_BY_MAESTRO:
        yield msgspec.structs.replace(asked, parameters=parameters, bound_to=MAESTRO)
        yield _plan(parameters)
        yield _answer(asked, None)
        return
    yield msgspec.structs.replace(asked, parameters=parameters)


def _plan(parameters: JsonObject) -> PlanChanged:
    return PlanChanged(msgspec.convert(parameters, UpdatePlan).steps)


def _answer(asked: ToolAsked, refused: Refused | None) -> ToolAnswered:
    if refused is None:
        return ToolAnswered(asked.tool_id, asked.generation_id, "success", "The plan is shown.")
    error = ToolError(refused.code, refused.message)
    return ToolAnswered(asked.tool_id, asked.generation_id, "error", "", error)
