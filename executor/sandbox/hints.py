"""Tell the model that it may have been the sandbox, where a command's failure looks like it.

Reads the tail of an output; a guess, and worded as one.
"""

import re
from collections.abc import Sequence

from executor.sandbox.premises import EVERYWHERE, Network

PROJECT_WRITABLE = "the project is writable, the rest read-only or hidden"
_TAIL = 8 * 1024
_SIGNS: tuple[tuple[str, re.Pattern[bytes]], ...] = tuple(
    (kind, re.compile(b"|".join(words), re.IGNORECASE))
    for kind, words in (
        (
            "network",
            (
                *(rb"could not resolve", rb"couldn't resolve", rb"name resolution", rb"EAI_AGAIN"),
                *(rb"ENOTFOUND", rb"getaddrinfo", rb"network is unreachable", rb"ENETUNREACH"),
                *(rb"no route to host", rb"name or service not known", rb"unknown host"),
                *(rb"failed to (?:fetch|download)", rb"unable to (?:connect|access 'http)"),
                *(rb"max retries exceeded", rb"proxy"),
            ),
        ),
        (
            "files",
            (
                *(rb"read-only file system", rb"EROFS", rb"device or resource busy", rb"EBUSY"),
                *(rb"permission denied", rb"EACCES", rb"operation not permitted", rb"EPERM"),
                *(rb"can only add regular files", rb"invalid cross-device link", rb"EXDEV"),
                *(rb"is a directory", rb"EISDIR", rb"operation not supported"),
            ),
        ),
        ("limits", (rb"resource temporarily unavailable", rb"EAGAIN", rb"cannot allocate memory")),
    )
)


def hint(output: bytes, rules: str, network: Network, *, by_host: bool = False) -> str:
    """A sentence or two on what the sandbox forbids; empty where nothing points to it.

    `rules` says what this sandbox lets through, but for the network; `by_host`: it can tell hosts
    apart.
    """
    tail = output[-_TAIL:]
    kinds = {kind for kind, sign in _SIGNS if sign.search(tail)}
    if network == EVERYWHERE:
        kinds -= {"network"}
    if not kinds:
        return ""
    rules = f"{rules}; {_network_words(network, by_host=by_host)}"
    return (
        f"This command ran in a sandbox ({rules}), which may be why it failed. Do not try to get "
        "around it: work within the project, use the file and Git tools for what commands may not "
        "change, or tell the user what to allow under [sandbox] in their configuration."
    )


_NAMED_MAX = 8


def _network_words(network: Network, *, by_host: bool = False) -> str:
    """What of the network a command has; `by_host`: this sandbox can let single hosts through."""
    if network == EVERYWHERE:
        return "the network is open"
    if not network:
        return "no network"
    if not by_host:
        return "no network: only bubblewrap can let single hosts through"
    more = ", ..." if len(network) > _NAMED_MAX else ""
    return f"no network but {', '.join(network[:_NAMED_MAX])}{more}"


def refusal_hint(refused: Sequence[str]) -> str:
    """Which places the sandbox kept a command from; empty where there are none."""
    if not refused:
        return ""
    more = f" and {len(refused) - _NAMED_MAX} more" if len(refused) > _NAMED_MAX else ""
    return (
        f"The sandbox kept this command from {', '.join(refused[:_NAMED_MAX])}{more}. Do not try "
        "to get around it: do without, or tell the user which host to add to network under "
        "[sandbox] in their configuration, if they want to allow it."
    )
