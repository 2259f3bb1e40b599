"""Files whose change could make code run later, or loosen what is allowed.

Tables and a look-up over path components; opens nothing.
"""

from collections.abc import Sequence

PROTECTED_FOLDERS = (".git", ".codegen", ".vscode", ".idea", ".husky", ".claude", ".cursor")
"""A write in there could run code, or loosen a policy, without a further question."""
PROTECTED_NAMES = (
    ".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".profile", ".zshrc", ".zshenv",
    ".zprofile", ".zlogin", ".gitconfig", ".gitmodules", ".ripgreprc", ".mcp.json", ".envrc",
    ".inputrc", ".vimrc", ".exrc",
)  # fmt: skip


def is_protected(parts: Sequence[str]) -> bool:
    """Whether a write to a path of these components could make code run later."""
    lowered = [part.lower().rstrip(". ") for part in parts]
    return any(part in PROTECTED_FOLDERS for part in lowered) or (
        bool(lowered) and lowered[-1] in PROTECTED_NAMES
    )
