"""What the wardens' program is told, as types; it never loads this module.

The fields mean what they mean in `launch`.
"""

from typing import NotRequired, TypedDict


class Opened(TypedDict):
    number: int
    path: str
    identity: list[int] | None
    written: NotRequired[bool]


class Grant(TypedDict):
    path: str
    rights: int


class Restrictions(TypedDict):
    project: str
    identity: list[int]
    handled_fs: int
    handled_net: int
    scoped: int
    grants: list[Grant]
    filter: str
    limits: dict[str, int]


class Held(TypedDict):
    project: str
    names: dict[str, str | None]
    kept: str


class Request(TypedDict):
    """The command as it comes from the executor."""

    argv: list[str]
    environment: dict[str, str]
    terminal: NotRequired[bool]
    opened: NotRequired[list[Opened]]
    folder_at: NotRequired[int | None]
    restrictions: NotRequired[Restrictions | None]
    held: NotRequired[Held | None]
