"""`@tool`: marks a function as one that the model may call.

Only marks; who finds the mark is `host`.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeVar, overload

Effect = Literal["read", "write", "execute", "network"]
ATTRIBUTE = "__codegen_tool__"

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Mark(NamedTuple):
    name: str
    effect: Effect


@overload
def tool(function: _Function, /) -> _Function: ...


@overload
def tool(
    *, effect: Effect = "execute", name: str | None = None
) -> Callable[[_Function], _Function]: ...


def tool(
    function: _Function | None = None, /, *, effect: Effect = "execute", name: str | None = None
) -> _Function | Callable[[_Function], _Function]:
    """Offer a function to the model.

    Its type hints become the parameters, its docstring the description. `effect` is what it does
    at most: `read` runs unasked, whatever else asks by the user's mode and rules.
    """

    def mark(marked: _Function) -> _Function:
        setattr(marked, ATTRIBUTE, Mark(name or marked.__name__, effect))
        return marked

    return mark if function is None else mark(function)
