"""One line of `codegen doctor`.

A value; who prints it is not its business.
"""

from typing import Literal

import msgspec


class Finding(msgspec.Struct, frozen=True):
    state: Literal["ok", "note", "bad"]
    what: str
    mend: str = ""
