"""Two tools for the model. Copy this file to ~/.config/codegen/tools/ and start a session."""

from collections import Counter
from pathlib import Path

from executor.own_tools import tool


@tool(effect="read")
def common_words(path: str, most: int = 5) -> dict[str, int]:
    """Count the most common words of a text file of the project."""
    words = Path(path).read_text(encoding="utf-8").lower().split()
    return dict(Counter(words).most_common(most))


@tool
def greet(names: list[str], *, loudly: bool = False) -> str:
    """Greet people by name."""
    greeting = f"Hello {' and '.join(names)}!"
    return greeting.upper() if loudly else greeting
