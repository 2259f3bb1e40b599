"""How a part of this program is run as a process of its own, so that it can be killed.

Starts nothing (`processes` does); what such a part may use of memory it settles itself.
"""

import sys
from collections.abc import Mapping

import msgspec

from executor.process.command import Command


def own_program(
    module: str,
    request: msgspec.Struct,
    *,
    folder: int,
    call: str,
    timeout_s: float,
    output_max: int,
    environment: Mapping[str, str] | None = None,
) -> Command:
    """`module`, with `request` as JSON for its one argument and `output_max` bytes of its output.

    Standard error is dropped. No sandbox: it runs nothing of the project's, may need the network,
    and would not be seen in there.
    """
    return Command(
        argv=(sys.executable, "-I", "-m", module, msgspec.json.encode(request).decode()),
        folder=folder,
        call=call,
        timeout_s=timeout_s,
        environment=environment or {},
        head_bytes=output_max,
        tail_bytes=0,
        keep_stderr=False,
        confined=False,
    )
