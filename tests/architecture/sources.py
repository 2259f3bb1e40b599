"""Read the tree's Python files once and measure them.

Judges nothing: the ceilings are in the tests beside this file.
"""

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("protocol", "maestro", "executor")
CHECKED = (*PRODUCT, "tests", "benchmarks", "examples")

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | Function

_LAYOUT = frozenset(
    {
        tokenize.COMMENT,
        tokenize.DEDENT,
        tokenize.ENCODING,
        tokenize.ENDMARKER,
        tokenize.INDENT,
        tokenize.NEWLINE,
        tokenize.NL,
    }
)


@dataclass(frozen=True)
class Source:
    """One Python file."""

    path: Path

    def __str__(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def module(self) -> str:
        """The dotted name under which the file is imported."""
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=str(self.path))

    @cached_property
    def comments(self) -> tuple[tuple[int, str], ...]:
        """Line number and text of each comment."""
        return tuple(
            (token.start[0], token.string)
            for token in self._tokens
            if token.type == tokenize.COMMENT
        )

    @cached_property
    def _tokens(self) -> tuple[tokenize.TokenInfo, ...]:
        return tuple(tokenize.generate_tokens(io.StringIO(self.text).readline))

    @cached_property
    def _code_lines(self) -> frozenset[int]:
        """Numbers of the lines that hold code: no blanks, comments or docstrings."""
        lines = {
            line
            for token in self._tokens
            if token.type not in _LAYOUT
            for line in range(token.start[0], token.end[0] + 1)
        }
        for text in _docstrings(self.tree):
            lines.difference_update(range(text.lineno, (text.end_lineno or text.lineno) + 1))
        return frozenset(lines)

    def lines_of_code(self, node: ast.stmt | None = None) -> int:
        """Lines of code of `node`, decorators apart, or of the whole file."""
        if node is None:
            return len(self._code_lines)
        return len(self._code_lines.intersection(range(node.lineno, (node.end_lineno or 0) + 1)))

    def functions(self) -> Iterator[Function]:
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))

    def classes(self) -> Iterator[ast.ClassDef]:
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))


def _docstrings(tree: ast.Module) -> Iterator[ast.Constant]:
    """Docstrings, and the strings that document an attribute."""
    for node in ast.walk(tree):
        if not isinstance(node, Documented):
            continue
        for statement in node.body:
            match statement:
                case ast.Expr(value=ast.Constant(value=str()) as text):
                    yield text
                case _:
                    pass


def _read(folders: tuple[str, ...]) -> tuple[Source, ...]:
    return tuple(
        Source(path) for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))
    )


PRODUCT_SOURCES = _read(PRODUCT)
CHECKED_SOURCES = _read(CHECKED)
