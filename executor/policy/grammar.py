"""Read a command line by the grammar of bash: what is more than plain words, but still certain.

Takes lists, pipelines, groups, `if`, `for` over words, comments and names of files by wildcard;
refuses every kind of node that is not named here. The grammar says how words are put together; each
word, and each byte between the words, is read again here, so that the two must agree.
"""

import re
from collections.abc import Iterator, Mapping

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from executor.policy.command_line import (
    MAX_COMMANDS,
    RESERVED,
    NotPlain,
    PlainCommands,
    Simple,
    is_assignment,
    too_many,
)
from executor.policy.shell_word import Unreadable, Value, read_word

MAX_LENGTH = 1024
MAX_MARKS = 60
"""Characters of a line that is parsed, and those of them that part commands: some 4 ms at the
worst, as the parser looks for ways to mend a bad line. They bound how deep it is nested, too."""
_MARKS = re.compile(r"[;&|(){}\n<>#]")
MAX_NODES = 2000
_NEVER = re.compile(r"[\0-\x08\x0b-\x1f\x7f`]|<<|\$\(|[<>]\(|\(\(|\[\[|\$\{(?![a-z]\w*\})|\$'")
"""What is refused in any case, and so kept away from a parser that is written in C."""

_LANGUAGE = Language(tree_sitter_bash.language())
_TOKENS: dict[str, frozenset[str]] = {
    "program": frozenset({";", "\n"}),
    "list": frozenset({"&&", "||"}),
    "pipeline": frozenset({"|"}),
    "subshell": frozenset({"(", ")", ";", "\n"}),
    "compound_statement": frozenset({"{", "}", ";", "\n"}),
    "do_group": frozenset({"do", "done", ";", "\n"}),
    "if_statement": frozenset({"if", "then", "fi", ";", "\n"}),
    "elif_clause": frozenset({"elif", "then", ";", "\n"}),
    "else_clause": frozenset({"else", ";", "\n"}),
    "negated_command": frozenset({"!"}),
}
"""Nodes that only put commands together, and the tokens that may stand in them."""
_WORDS = frozenset({
    "word", "number", "string", "raw_string", "concatenation", "simple_expansion", "expansion",
})  # fmt: skip
_LOOP_TOKENS = frozenset({"for", "in", ";", "\n"})
_REASONS = {
    "variable_assignment": "it sets a variable",
    "variable_assignments": "it sets a variable",
    "declaration_command": "it sets a variable",
    "unset_command": "it sets a variable",
    "function_definition": "it defines a function",
    "while_statement": "it loops until something happens",
    "case_statement": "it chooses by a pattern",
    "test_command": "it computes a condition",
    "c_style_for_statement": "it computes",
}
_NEVER_REASONS = {
    "`": "it runs a command within another (`)",
    "$(": "it runs a command within another ($)",
    "<(": "it runs a command within another (<)",
    ">(": "it runs a command within another (>)",
    "<<": "it holds a text of its own (<<)",
    "((": "it computes",
    "[[": "it computes a condition",
    "${": "it expands a variable ($)",
    "$'": "it spells characters by number ($)",
}
_TO_NOWHERE = re.compile(r"(?:[12]?>>?|&>>?)[ \t]*/dev/null|[12]?>&[12]")
_FROM_FILE = re.compile(r"0?<[ \t]*(?=[^<>&(\s])")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
"""Of a loop's variable. In capitals it could be PATH."""

Loop = Mapping[str, Value]
"""The value of each loop's variable, in one round."""


def parse(line: str) -> PlainCommands | NotPlain:
    """The simple commands of `line`; those of a loop stand there once for each round."""
    if len(line) > MAX_LENGTH or len(_MARKS.findall(line)) > MAX_MARKS:
        return NotPlain("the command is very long")
    found = _NEVER.search(line)
    if found is not None:
        return NotPlain(_NEVER_REASONS.get(found[0], "it holds control characters"))
    root = Parser(_LANGUAGE).parse(_ascii(line)).root_node
    if root.has_error or root.descendant_count > MAX_NODES:
        return NotPlain("it is not a line that can be read with certainty")
    reader = _Reader(line)
    try:
        reader.check_gaps(root)
        reader.read(root, {})
    except Unreadable as error:
        return NotPlain(str(error))
    if not reader.commands:
        return NotPlain("it holds no command")
    return PlainCommands(tuple(reader.commands))


class _Reader:
    """Collects the commands of one tree; raises Unreadable at what is not certain."""

    def __init__(self, source: str) -> None:
        self.commands: list[Simple] = []
        self._source = source
        self._words = 0

    def check_gaps(self, root: Node) -> None:
        """Between two tokens there is nothing but blanks, and a comment begins behind one."""
        size = len(self._source)
        spans = [(leaf.start_byte, leaf.end_byte, leaf.type) for leaf in _leaves(root)]
        end = 0
        for start, following, kind in (*spans, (size, size, "")):
            if self._source[end:start].strip(" \t\n"):
                raise Unreadable("something stands between its words")
            if kind == "comment" and self._source[start - 1 : start].strip(" \t\n;"):
                raise Unreadable("a comment begins within a word")
            end = following

    def read(self, node: Node, loop: Loop) -> None:
        match node.type:
            case "comment":
                return
            case "command":
                self._command(node, loop)
            case "redirected_statement":
                for child in node.children:
                    if child.type != "file_redirect":
                        self.read(child, loop)
                self._redirections(node, loop)
            case "for_statement":
                self._for(node, loop)
            case kind if kind in _TOKENS:
                for child in node.children:
                    if child.is_named:
                        self.read(child, loop)
                    elif child.type not in _TOKENS[kind]:
                        raise _refusal(child)
            case _:
                raise _refusal(node)

    def _command(self, node: Node, loop: Loop) -> None:
        values: list[Value] = []
        for child in node.children:
            if child.type == "command_name":
                values.append(self._value(child, {}))
            elif child.type in _WORDS:
                values.append(self._value(child, loop))
            elif child.type != "file_redirect":
                raise _refusal(child)
        words = tuple(value.text for value in values)
        if not values or values[0].is_glob or is_assignment(words[0]) or words[0] in RESERVED:
            raise Unreadable("it begins with more than a program's name")
        globs = frozenset(index for index, value in enumerate(values) if value.is_glob)
        self._add(Simple(words, globs, repeated=bool(loop)))
        self._redirections(node, loop)

    def _redirections(self, node: Node, loop: Loop) -> None:
        """To nowhere, or from a file: that is as if `cat` read it, after all that may `cd`."""
        for child in node.children:
            if child.type != "file_redirect":
                continue
            text = self._text(child)
            if _TO_NOWHERE.fullmatch(text):
                continue
            found = _FROM_FILE.match(text)
            if found is None:
                raise Unreadable("it writes to a file (>)" if ">" in text else "it redirects (<)")
            value = read_word(text[found.end() :], loop)
            if value.is_glob:
                raise Unreadable("it redirects (<)")
            self._add(Simple(("cat", "--", value.text), repeated=bool(loop)))

    def _for(self, node: Node, loop: Loop) -> None:
        name = ""
        values: list[Value] = []
        bodies: list[Node] = []
        for child in node.children:
            if child.type == "variable_name":
                name = self._text(child)
            elif child.type == "do_group":
                bodies.append(child)
            elif child.type in _WORDS:
                values.append(self._value(child, loop))
            elif child.is_named or child.type not in _LOOP_TOKENS:
                raise _refusal(child)
        if not _NAME.fullmatch(name) or not values or len(values) > MAX_COMMANDS:
            raise Unreadable("it loops over what is not known")
        for value in values:
            for body in bodies:
                self.read(body, {**loop, name: value})

    def _add(self, command: Simple) -> None:
        self.commands.append(command)
        self._words += len(command.words)
        excess = too_many(len(self.commands), self._words)
        if excess is not None:
            raise Unreadable(excess.why)

    def _value(self, node: Node, loop: Loop) -> Value:
        return read_word(self._text(node), loop)

    def _text(self, node: Node) -> str:
        return self._source[node.start_byte : node.end_byte]


def _ascii(line: str) -> bytes:
    """As long as `line`, a letter in the place of each character that is not ASCII.

    The grammar's scanner looks such characters up in a table that ends before they do, and takes
    the whole program with it: https://github.com/tree-sitter/tree-sitter-bash/issues/337. To every
    shell they are letters.
    """
    return "".join(char if char.isascii() else "x" for char in line).encode()


def _leaves(node: Node) -> Iterator[Node]:
    """Words, tokens and comments from left to right; what is inside a word is read as a whole."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if current.type in _WORDS or current.child_count == 0:
            yield current
        else:
            waiting.extend(reversed(current.children))


def _refusal(node: Node) -> Unreadable:
    if node.type == "&":
        return Unreadable("it starts something in the background (&)")
    return Unreadable(_REASONS.get(node.type, "it holds what the shell gives a meaning to"))
