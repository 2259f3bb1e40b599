"""What a yes may be remembered for: in words for the question, and as the rule that says the same.

The two must cover the same calls. Remembers nothing itself.
"""

from collections.abc import Sequence

from executor.policy.git_commands import git_effect

_FAMILIES = frozenset({
    "bundle", "cargo", "composer", "dotnet", "git", "go", "gradle", "just", "make", "mix", "mvn",
    "npm", "pnpm", "poetry", "rake", "swift", "uv", "yarn", "pip", "pip3", "rustup", "terraform",
})  # fmt: skip
"""Programs whose first word says what kind of work it is; of others, only the very words."""
_RUNNING = frozenset({"run", "exec", "x", "dlx", "tool", "-c", "config", "install", "shell"})
"""First words behind which anything may run: these are remembered word by word."""


def command_memory(tool: str, words: Sequence[str]) -> tuple[str, str]:
    """The words for the question and the rule; both empty for what no rule can spell."""
    if not words or any(not _spellable(word) for word in words):
        return "", ""
    if tool == "Git":
        kind, depth = git_effect(words), 1
    else:
        kind, depth = (git_effect(words[1:]) if words[0] == "git" else "write"), 2
    in_family = tool == "Git" or words[0] in _FAMILIES
    head = words[:depth]
    if (
        kind in ("write", "read")
        and in_family
        and len(head) == depth
        and not head[-1].startswith("-")
        and head[-1] not in _RUNNING
    ):
        return f'commands that begin with "{_shown(tool, head)}"', f"{tool}({' '.join(head)} *)"
    return f'exactly "{_shown(tool, words)}"', f"{tool}({' '.join(words)})"


def _spellable(word: str) -> bool:
    """A rule is split at blanks, and these characters are patterns in it."""
    return bool(word) and word.isprintable() and not set(word) & set("*?[]() ")


def _shown(tool: str, words: Sequence[str]) -> str:
    return " ".join(("git", *words) if tool == "Git" else words)
