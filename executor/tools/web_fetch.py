"""`WebFetch`: one page of the web as text.

Whether its host may be reached at all is decided before; how it is fetched is `web`'s business.
"""

from typing import assert_never

from executor.errors import ToolFailure
from executor.network.guard import NotReachable, check_name
from executor.network.hosts import BadHost
from executor.tool_context import ToolContext, ToolOutcome
from executor.web.reports import Elsewhere, Page, Problem
from executor.web.target import Target, target_of
from protocol.from_executor import ResultMetadata
from protocol.tools import web_fetch
from protocol.tools.contract import ToolContract

SHOWN_MAX = 100_000


class WebFetchTool:
    """Shows a page from an offset on, with its address, kind and size."""

    contract: ToolContract = web_fetch.CONTRACT

    async def check(self, parameters: web_fetch.WebFetch, context: ToolContext) -> None:
        _target(parameters, context)

    async def run(self, parameters: web_fetch.WebFetch, context: ToolContext) -> ToolOutcome:
        target = _target(parameters, context)
        report = await context.pages.page(
            target, context.workspace, context.processes, context.tool_id
        )
        match report:
            case Problem(code=code, message=message):
                status = "timeout" if code == "timeout" else "error"
                raise ToolFailure(code, message, status=status)
            case Elsewhere(url=url, target=other, why=why):
                return ToolOutcome(
                    f"{url} redirects to {other}, {why}. It was not followed: "
                    "call WebFetch with that address if you want it."
                )
            case Page():
                return _shown(report, parameters.offset)
            case _:
                assert_never(report)


def _target(parameters: web_fetch.WebFetch, context: ToolContext) -> Target:
    try:
        target = target_of(parameters.url)
        check_name(target.host, context.pages.opened)
    except BadHost as error:
        raise ToolFailure("invalid_url", f"Not fetched: {error}.") from error
    except NotReachable as error:
        raise ToolFailure("not_reachable", f"{error}") from error
    return target


def _shown(page: Page, offset: int) -> ToolOutcome:
    text = page.text[offset : offset + SHOWN_MAX]
    if offset and not text:
        raise ToolFailure(
            "invalid_parameters", f"offset {offset:,}: the page has {len(page.text):,} characters."
        )
    kind = page.media_type or "no type given"
    facts = [f"{page.url}: {kind}, {page.total_bytes:,} bytes"]
    if page.note:
        facts.append(page.note)
    end = offset + len(text)
    if end < len(page.text):
        facts.append(
            f"characters {offset:,} to {end:,} of {len(page.text):,}: offset={end} goes on"
        )
    body = text if text.endswith("\n") or not text else f"{text}\n"
    metadata = ResultMetadata(truncated=end < len(page.text), total_bytes=page.total_bytes)
    return ToolOutcome(f"{body}[{'; '.join(facts)}]", metadata=metadata)
