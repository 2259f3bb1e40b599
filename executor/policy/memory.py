"""What a yes may be remembered for: in words for the question, and as the rule that says the same.

The two must cover the same calls. Remembers nothing itself.
"""

from collections.abc import Sequence

import msgspec

from executor.policy.git_commands import forces, git_effect
from executor.policy.wrappers import RUNNERS


class Memory(msgspec.Struct, frozen=True):
    words: str = ""
    """What a remembered yes would cover; empty: it can't be remembered."""
    rule: str = ""
    lasting: bool = False
    """Whether the rule may be kept for ever, in every project."""


NOT_REMEMBERED = Memory()

_FAMILIES = frozenset({
    "bundle", "cargo", "composer", "dotnet", "git", "go", "gradle", "just", "make", "mix", "mvn",
    "npm", "pnpm", "poetry", "rake", "swift", "uv", "yarn", "pip", "pip3", "rustup", "terraform",
})  # fmt: skip
"""Programs whose first word says what kind of work it is; of others, only the very words."""
_RUNNING = frozenset({
    "run", "exec", "x", "dlx", "tool", "-c", "config", "install", "shell", "difftool", "mergetool",
    "bisect", "submodule", "filter-branch", "apply", "destroy",
})  # fmt: skip
"""First words behind which anything may run: these are remembered word by word."""
_NEVER_LASTING = RUNNERS | frozenset({
    "awk", "bun", "bunx", "cd", "chmod", "chown", "cp", "curl", "dd", "deno", "docker", "gawk",
    "gdb", "kill", "killall", "kubectl", "ln", "lua", "mkfs", "mount", "mv", "nc", "node",
    "npx", "osascript", "perl", "php", "pip", "pip3", "pipx", "pkill", "podman", "pwsh", "reboot",
    "rm", "rmdir", "rsync", "ruby", "scp", "sed", "sftp", "shred", "shutdown", "source", "tar",
    "tee", "truncate", "ts-node", "tsx", "uvx", "vi", "vim", "wget",
})  # fmt: skip
"""Programs that run what they are given, or destroy: a yes to one is none for every project."""


def command_memory(tool: str, words: Sequence[str]) -> Memory:
    """What of a simple command can be remembered: nothing, where no rule can spell it."""
    if not words or any(not _spellable(word) for word in words):
        return NOT_REMEMBERED
    if tool == "Git":
        kind, depth = git_effect(words), 1
    else:
        kind, depth = (git_effect(words[1:]) if words[0] == "git" else "write"), 2
    in_family = tool == "Git" or words[0] in _FAMILIES
    head = words[:depth]
    lasting = _may_last(tool, words, kind)
    if (
        kind in ("write", "read")
        and in_family
        and len(head) == depth
        and not head[-1].startswith("-")
        and head[-1] not in _RUNNING
    ):
        covered = f'commands that begin with "{_shown(tool, head)}"'
        return Memory(covered, f"{tool}({' '.join(head)} *)", lasting)
    return Memory(f'exactly "{_shown(tool, words)}"', f"{tool}({' '.join(words)})", lasting)


def _may_last(tool: str, words: Sequence[str], kind: str) -> bool:
    """Not what wraps, interprets or destroys, nor a program that every project has its own of."""
    if kind == "destructive" or any(word in _RUNNING for word in words[1:2]):
        return False
    if tool == "Git" or words[0] == "git":
        arguments = words if tool == "Git" else words[1:]
        return bool(arguments) and not (
            arguments[0].startswith("-") or arguments[0] in _RUNNING or forces(arguments)
        )
    program = words[0]
    return "/" not in program and program.rstrip("0123456789.") not in _NEVER_LASTING | {"python"}


def _spellable(word: str) -> bool:
    """A rule is split at blanks, and these characters are patterns in it."""
    return bool(word) and word.isprintable() and not set(word) & set("*?[]() ")


def _shown(tool: str, words: Sequence[str]) -> str:
    return " ".join(("git", *words) if tool == "Git" else words)
