"""What one flood of output costs: memory of the executor, and how long its loop stands still.

    python -m benchmarks.output_flood [--mib 1024]

Runs `yes | head -c` through the executor's own process room, as `Shell` does.
"""

import argparse
import asyncio
import os
import resource
import tempfile
import time
from pathlib import Path

from executor.process.command import Command
from executor.process.processes import Processes
from executor.process.programs import shell_argv
from executor.process.report import report


async def _flood(mib: int, folder: Path) -> None:
    processes = Processes("flood", os.environ)
    handle = os.open(folder, os.O_RDONLY)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    command = Command(shell_argv(f"yes | head -c {mib}M"), handle, "flood", 3600.0, spill=folder)
    running = asyncio.create_task(processes.run(command))
    began, longest = time.monotonic(), 0.0
    while not running.done():
        turned = time.monotonic()
        await asyncio.sleep(0)
        longest = max(longest, time.monotonic() - turned)
    ended = running.result()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    text = report(ended, shell_id="sh1").text
    print(f"{ended.output.total_bytes:,} bytes in {time.monotonic() - began:.1f} s")
    print(
        f"memory grew by {grown:.1f} MB; the loop stood still for {longest * 1000:.0f} ms at most"
    )
    print(next(line for line in text.splitlines() if line.startswith("[...")))
    os.close(handle)
    await processes.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.output_flood")
    parser.add_argument("--mib", type=int, default=1024)
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(_flood(parser.parse_args().mib, Path(name)))


if __name__ == "__main__":
    main()
