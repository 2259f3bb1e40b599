"""Say whether a file that was changed can still be parsed, where that is cheap to know."""

from executor.syntax.check import Written, syntax_note

__all__ = ["Written", "syntax_note"]
