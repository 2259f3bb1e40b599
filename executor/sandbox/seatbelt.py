"""The profile that macOS's sandbox-exec holds a command to.

Makes text; it is not used to start anything yet on machines where nobody has tried it.
"""

from collections.abc import Iterable
from pathlib import Path

from executor.sandbox.premises import EVERYWHERE, Premises

_HEAD = """\
(version 1)
(deny default)
(allow process-exec process-fork)
(allow signal (target same-sandbox))
(allow sysctl-read)
(allow mach-lookup (global-name "com.apple.system.logger") (global-name "com.apple.trustd.agent"))
(allow file-read-metadata)
(allow file-read* (subpath "/"))
(allow file-write* (subpath "/private/tmp") (subpath "/private/var/folders"))
(allow file-write* (literal "/dev/null") (literal "/dev/tty") (literal "/dev/dtracehelper"))
(allow file-ioctl (literal "/dev/tty"))
(allow pseudo-tty)
"""


def profile(premises: Premises, shown: Iterable[Path], secrets: Iterable[str]) -> str:
    """Rules in the order in which they are read: the last one that fits holds.

    `shown` are folders of the home that hold tools; `secrets` paths of the project.
    """
    root = premises.project
    lines = [
        _rule("deny", "file-read* file-write*", [f"(subpath {_quoted(premises.home)})"]),
        _rule("allow", "file-read*", [f"(subpath {_quoted(path)})" for path in shown]),
        _rule("allow", "file-read* file-write*", [f"(subpath {_quoted(root)})"]),
        _rule("deny", "file-write*", _protected(premises)),
        _rule(
            "deny", "file-read* file-write*", [f"(subpath {_quoted(root / s)})" for s in secrets]
        ),
    ]
    if premises.network == EVERYWHERE:
        lines.append("(allow network*)")
    else:
        lines.append('(allow network* (local ip "localhost:*"))')
        lines.append('(deny network-outbound (literal "/private/var/run/mDNSResponder"))')
    return _HEAD + "\n".join(filter(None, lines)) + "\n"


def _protected(premises: Premises) -> list[str]:
    """By name, so that what does not exist yet is covered too, in any spelling of its case."""
    root = _pattern(str(premises.project))
    names = sorted(premises.protected - {".git"})
    rules = [f'(regex #"^{root}/(.*/)?{_any_case(name)}(/|$)")' for name in names]
    git = ("config", r"config\.worktree", "hooks", "commondir", "modules", "worktrees")
    parts = "|".join(git)
    rules.append(f'(regex #"^{root}/(.*/)?{_any_case(".git")}/({parts})(/|$)")')
    rules.append(f'(regex #"^{root}/(.*/)?{_any_case(".git")}$")')
    return rules


def _rule(verb: str, what: str, filters: list[str]) -> str:
    return f"({verb} {what} {' '.join(filters)})" if filters else ""


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _pattern(text: str) -> str:
    """`text` literally, in a regular expression within #"..."."""
    plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_-"
    return "".join(letter if letter in plain else f"[{letter}]" for letter in text)


def _any_case(name: str) -> str:
    return "".join(
        f"[{letter}{letter.upper()}]" if letter.isalpha() else f"[{letter}]" for letter in name
    )
