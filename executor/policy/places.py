"""Files whose change could make code run later, or loosen what is allowed.

Tables and look-ups over path components; opens nothing.
"""

from collections.abc import Sequence

PROTECTED_FOLDERS = (".git", ".codegen", ".vscode", ".idea", ".husky", ".claude", ".cursor")
"""A write in there could run code, or loosen a policy, without a further question."""
PROTECTED_NAMES = (
    ".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".profile", ".zshrc", ".zshenv",
    ".zprofile", ".zlogin", ".gitconfig", ".gitmodules", ".ripgreprc", ".mcp.json", ".envrc",
    ".inputrc", ".vimrc", ".exrc",
)  # fmt: skip
INSTRUCTIONS = (".codegen", "agents.md")
"""At the root: what is told to the model, and obeyed, only where the user trusts the directory."""


def is_protected(parts: Sequence[str]) -> bool:
    """Whether a write to a path of these components could make code run later."""
    folded = [_folded(part) for part in parts]
    return any(part in PROTECTED_FOLDERS for part in folded) or (
        bool(folded) and folded[-1] in PROTECTED_NAMES
    )


def instructs(parts: Sequence[str]) -> bool:
    """Whether a file of these components tells the model what to do."""
    return bool(parts) and _folded(parts[0]) in INSTRUCTIONS


def _folded(name: str) -> str:
    """As file systems see it that know no case, or drop dots and blanks at the end."""
    return name.casefold().rstrip(". ")
