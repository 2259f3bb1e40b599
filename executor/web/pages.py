"""The pages of one session: each fetched by a process of its own, and kept for a while.

Knows neither HTTP nor HTML.
"""

import time

import msgspec

from executor.network.guard import can_be_opened
from executor.process.command import Ended, TimedOut
from executor.process.own_program import own_program
from executor.process.processes import Processes
from executor.web.reports import FETCH_SECONDS, Page, Problem, Report, Request
from executor.web.target import Target
from executor.workspace import Workspace

CONVERT_SECONDS = 15.0
KEPT_SECONDS = 15 * 60.0
KEPT_MAX = 32
_OUTPUT_MAX = 4 * 1024 * 1024
_RESOLVER = {"RES_OPTIONS": "timeout:3 attempts:2"}
_REPORT: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)


class Pages:
    """Fetches, and remembers what it fetched from the public network."""

    def __init__(
        self, opened: frozenset[str] = frozenset(), seconds: float = FETCH_SECONDS
    ) -> None:
        """`opened`: normal hosts that the user's own rules name, and that need not be public;
        `seconds`: for fetching one."""
        self.opened = opened
        self._seconds = seconds
        self._kept: dict[str, tuple[float, Page]] = {}

    async def page(
        self, target: Target, workspace: Workspace, processes: Processes, call: str
    ) -> Report:
        """The page at `target`, of this moment or of the last 15 minutes."""
        kept = self._kept.get(target.url)
        if kept is not None and time.monotonic() - kept[0] < KEPT_SECONDS:
            return kept[1]
        report = await self._fetched(target, workspace, processes, call)
        # What the user serves on this machine changes between two looks.
        if isinstance(report, Page) and not can_be_opened(target.host):
            self._kept.pop(target.url, None)
            while len(self._kept) >= KEPT_MAX:
                del self._kept[next(iter(self._kept))]
            self._kept[target.url] = (time.monotonic(), report)
        return report

    async def _fetched(
        self, target: Target, workspace: Workspace, processes: Processes, call: str
    ) -> Report:
        request = Request(target.url, tuple(sorted(self.opened)), self._seconds)
        with workspace.folder(".") as root:
            ended = await processes.run(
                own_program(
                    "executor.web.program",
                    request,
                    folder=root,
                    call=call,
                    timeout_s=self._seconds + CONVERT_SECONDS,
                    output_max=_OUTPUT_MAX,
                    environment=_RESOLVER,
                )
            )
        return _read(target, ended)


def _read(target: Target, ended: Ended) -> Report:
    try:
        return _REPORT.decode(ended.output.head)
    except msgspec.DecodeError:
        if isinstance(ended.outcome, TimedOut):
            why = "looking up its host, or converting the page, took too long"
        else:
            why = "converting the page takes too much memory or time"
        return Problem("not_converted", f"{target.url}: {why}.")
