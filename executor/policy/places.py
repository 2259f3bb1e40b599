"""Files whose change could make code run later, or loosen what is allowed.

Tables and look-ups over path components; opens nothing.
"""

from collections.abc import Sequence

from executor.workspace.twins import folded

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
    names = [folded(part) for part in parts]
    return any(name in PROTECTED_FOLDERS for name in names) or (
        bool(names) and names[-1] in PROTECTED_NAMES
    )


def instructs(parts: Sequence[str]) -> bool:
    """Whether a file of these components tells the model what to do."""
    return bool(parts) and folded(parts[0]) in INSTRUCTIONS
