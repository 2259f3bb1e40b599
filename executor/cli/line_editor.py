"""The line editor between runs: history, several lines, completion.

Loads prompt_toolkit, so it is imported late. Gives text; what it means is the conversation's.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import ANSI
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.patch_stdout import patch_stdout

_COMPLETIONS_MAX = 40
_CONTINUED = "  "


class LineEditor:
    def __init__(self, history: Path, root: Path, commands: Sequence[str], prompt: str) -> None:
        """`history`: a file, made 0600 if need be. `root`: where `@paths` begin."""
        history.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(history, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        self._prompt = ANSI(prompt)
        self._session: PromptSession[str] = PromptSession(
            history=FileHistory(str(history)),
            completer=_Names(root, commands),
            complete_while_typing=False,
            multiline=True,
            prompt_continuation=_CONTINUED,
            key_bindings=_bindings(),
        )

    async def read(self, default: str = "") -> str:
        """What the user says; EOFError for Ctrl-D, KeyboardInterrupt for Ctrl-C."""
        with patch_stdout(raw=True):
            return await self._session.prompt_async(self._prompt, default=default)

    @property
    def typed(self) -> str:
        """What stands in the line."""
        return self._session.default_buffer.text


class _Names(Completer):
    """Commands at the beginning of the line, files behind an `@`."""

    def __init__(self, root: Path, commands: Sequence[str]) -> None:
        self._root = root
        self._commands = commands

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        del complete_event
        before = document.text_before_cursor
        word = document.get_word_before_cursor(WORD=True)
        if before.startswith("/") and before == word:
            names = [name for name in self._commands if name.startswith(word)]
            return [Completion(name, -len(word)) for name in names]
        if word.startswith("@"):
            return [Completion(f"@{path}", -len(word)) for path in self._paths(word[1:])]
        return []

    def _paths(self, begun: str) -> list[str]:
        folder, _, name = begun.rpartition("/")
        if Path(folder).is_absolute() or ".." in Path(folder).parts:
            return []
        try:
            with os.scandir(self._root / folder) as entries:
                found = sorted(
                    f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name
                    for entry in entries
                    if entry.name.startswith(name) and entry.name.isprintable()
                )
        except OSError:
            return []
        head = f"{folder}/" if folder else ""
        return [f"{head}{name}" for name in found[:_COMPLETIONS_MAX] if name != ".git/"]


def _bindings() -> KeyBindings:
    bindings = KeyBindings()

    @bindings.add("enter")
    def _send(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.document.current_line_before_cursor.endswith("\\"):
            buffer.delete_before_cursor()
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @bindings.add("escape", "enter")
    def _new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return bindings
