"""Consume another Model's parts so that its stream ends when one's own does.

One function for all models that wrap a model. Adds nothing to what passes.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from maestro.domain.conversation import ModelRequest, ReplyPart
from maestro.ports import Model


def parts_of(model: Model, request: ModelRequest) -> "aclosing[AsyncGenerator[ReplyPart]]":
    """Left early, a generator would hold its connection until it is collected."""
    return aclosing(model.generate(request))
