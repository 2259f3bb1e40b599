"""What a session reaches beyond its project: pages of the web, and the clipboard.

Puts it together of the user's rules and the view; fetches and reads nothing.
"""

from collections.abc import Mapping
from pathlib import Path

from executor.clipboard.clipboard import Clipboard
from executor.network.hosts import BadHost, normal_host
from executor.policy.rules import Rule
from executor.view.port import Copying, View
from executor.web.pages import Pages


def pages(allow: tuple[Rule, ...]) -> Pages:
    """Hosts that a rule of the user's own names exactly need not be on the public network."""
    mine = [rule.pattern for rule in allow if rule.names("WebFetch") and rule.pattern]
    named = map(_host, mine)
    return Pages(frozenset(host for host in named if host is not None))


def clipboard(environment: Mapping[str, str], project: Path, view: View) -> Clipboard:
    copy = view.copy if isinstance(view, Copying) else None
    return Clipboard(environment, project, copy)


def _host(pattern: str) -> str | None:
    try:
        return normal_host(pattern)
    except BadHost:  # it covers several
        return None
