"""Contract of `UpdatePlan`, which the maestro carries out itself. See `contract` for the shape."""

from typing import Annotated

from msgspec import Meta

from protocol.tools.contract import Parameters, ToolContract
from protocol.wire import PlanStep


class UpdatePlan(Parameters, frozen=True):
    steps: Annotated[
        tuple[PlanStep, ...],
        Meta(max_length=50, description="The whole plan, in order; at most one step is active."),
    ]


CONTRACT = ToolContract(
    name="UpdatePlan",
    effect="read",
    parameters=UpdatePlan,
    description=(
        "Shows the user your plan and how far it has come. Use it for work of three steps or "
        "more: once at the beginning, and whenever a step begins or ends. Give the whole plan "
        "each time. Not needed for small tasks."
    ),
)
