"""One question to the user: everything that will happen, then single keys, then the answer.

Nothing can be allowed before all of it was shown. Folds keys; reads and draws nothing itself.
"""

from executor.view.cells import cell_width, wrap
from executor.view.draft import Draft
from executor.view.keys import Key, Pressed, Typed
from executor.view.look import Look, Span, Style
from executor.view.port import Answer, Approved, Declined, Question
from executor.view.safe_text import safe_line, safe_text

_COMMANDS = ("Shell", "Git")
"""Tools whose body is a command: a line that begins with + or - means nothing there."""
_MARKED: dict[str, Style] = {"+": "green", "-": "red"}


class Asking:
    """Print `page` above; draw `rows` beneath; give it keys until there is an answer."""

    def __init__(self, question: Question, look: Look, width: int) -> None:
        self._question = question
        self._look = look
        self._lines = self._body(width)
        self._shown = 0
        self._draft: Draft | None = None
        self.armed = False
        """False as long as keys may still be meant for what was on the screen before."""

    def page(self, height: int) -> list[str]:
        """The next lines to print, at most `height`."""
        start, self._shown = self._shown, min(self._shown + max(height, 1), len(self._lines))
        return self._lines[start : self._shown]

    @property
    def all_shown(self) -> bool:
        return self._shown >= len(self._lines)

    def rows(self, width: int) -> list[str]:
        """What can be pressed."""
        if not self.armed:
            return [""]
        if self._draft is not None:
            label = f"  tell the model{self._look.marks.prompt} "
            hint = self._look.row([("  enter sends it, esc goes back", "dim")], width)
            return [self._draft.row(self._look, width, label), hint]
        choices = self._choices() if self.all_shown else self._paging()
        rows: list[list[Span]] = [[("  ", "plain")]]
        used = 2
        for key, words in choices:
            size = cell_width(key) + cell_width(words) + 5
            if used + size > width and used > 2:
                rows.append([("  ", "plain")])
                used = 2
            rows[-1].extend(((f"[{key}]", "bold cyan"), (f" {words}  ", "plain")))
            used += size
        return [self._look.row(row, width) for row in rows]

    def press(self, key: Key) -> Answer | None:
        """The answer, if this key gives one. `page` may have more to print afterwards."""
        if self._draft is not None:
            return self._press_draft(key, self._draft)
        match key:
            case Pressed(key="end" | "escape") | Typed(char="n" | "N"):
                return Declined()
            case Typed(char="t" | "T"):
                self._draft = Draft()
            case Typed(char="y" | "Y") if self.all_shown:
                return Approved("once")
            case Typed(char="s" | "S") if self.all_shown and self._question.remember:
                return Approved("session")
            case Typed(char="a" | "A") if self.all_shown and self._question.lasting:
                return Approved("always")
            case _:
                pass
        return None

    def turns_page(self, key: Key) -> bool:
        return not self.all_shown and self._draft is None and key in (Typed(" "), Pressed("enter"))

    def verdict(self, answer: Answer | None, width: int) -> str:
        """The line that stays; None: withdrawn."""
        words, style = _verdict(answer, self._question.remember)
        return self._look.row([("  ", "plain"), (words, style)], width)

    def _press_draft(self, key: Key, draft: Draft) -> Answer | None:
        match key:
            case Pressed(key="end"):
                return Declined()
            case Pressed(key="escape"):
                self._draft = None
            case _:
                words = draft.press(key)
                if words is not None:
                    return Declined(words)
        return None

    def _choices(self) -> list[tuple[str, str]]:
        remember = safe_line(self._question.remember)
        kept = [("s", f"session: {remember}")] if remember else []
        kept += [("a", "always, in every project")] if self._question.lasting else []
        return [("y", "once"), *kept, ("n", "no"), ("t", "no, and tell the model")]

    def _paging(self) -> list[tuple[str, str]]:
        more = len(self._lines) - self._shown
        return [("space", f"{more} more lines"), ("n", "no"), ("t", "no, and tell the model")]

    def _body(self, width: int) -> list[str]:
        """Complete: long lines are folded, never cut."""
        question, look = self._question, self._look
        subject = question.title.removeprefix(question.tool_name).strip()
        head: list[Span] = [("? ", "yellow"), (question.tool_name, "bold")]
        bar: Span = (f"  {look.marks.bar} ", "yellow")
        lines = [look.row([*head, (f" {subject}", "plain")], width)]
        lines += [
            look.row([("  ", "plain"), (line, "dim")], width)
            for line in wrap(safe_text(question.why), max(width - 2, 1))
        ]
        is_command = question.tool_name in _COMMANDS
        for line in look.encodable(safe_text(question.body)).split("\n"):
            style: Style = "plain" if is_command else _MARKED.get(line[:1], "plain")
            lines += [
                look.row([bar, (piece, style)], width) for piece in wrap(line, max(width - 4, 1))
            ]
        return lines


def _verdict(answer: Answer | None, remember: str) -> tuple[str, Style]:
    match answer:
        case None:
            return "withdrawn", "yellow"
        case Approved(scope="once"):
            return "allowed once", "green"
        case Approved(scope="always"):
            return f"allowed always, in every project: {remember}", "green"
        case Approved():
            return f"allowed for this session: {remember}", "green"
        case Declined(words=words):
            return f"declined: {words}" if words else "declined", "yellow"
