"""Run a fork bomb of 400 forks in a sandbox and say how far it came.

`python -m tests.security.sandbox.bomb FOLDER KIND`, for tests that run it as another user or where
no control group can be made. A first line says whether one was.
"""

import asyncio
import sys
from pathlib import Path
from typing import cast

from executor.process.survivors import marked
from executor.sandbox.limits import Group
from executor.sandbox.premises import Bounds
from tests.security.sandbox.cell import Cell, Kind
from tests.security.sandbox.probes import PROBES


async def main(folder: Path, kind: Kind) -> None:
    group = Group("codegen-bomb", Bounds())
    sys.stdout.write("group\n" if group.join else "no group\n")
    group.close()
    cell = Cell(folder, kind)
    try:
        sys.stdout.write(await cell.run(PROBES["fork_bomb"]))
        sys.stdout.write(f"left {len(marked(f'{cell.owner}.call'))}\n")
    finally:
        await cell.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), cast("Kind", sys.argv[2])))
