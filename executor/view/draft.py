"""One line that the user is typing, in the live region: for steering, and for words with a no.

Knows a handful of keys; the full editor is the conversation's.
"""

from executor.view.cells import cell_width
from executor.view.keys import Key, Pasted, Pressed, Typed
from executor.view.look import Look
from executor.view.safe_text import safe_line

DRAFT_MAX = 100_000
"""Characters; what is typed or pasted beyond them is dropped."""


class Draft:
    def __init__(self) -> None:
        self.text = ""

    def press(self, key: Key) -> str | None:
        """The whole text when Enter was pressed, and the draft is empty again."""
        match key:
            case Typed(char=added) | Pasted(text=added):
                self.text = f"{self.text}{added}"[:DRAFT_MAX]
            case Pressed(key="newline"):
                self.text += "\n"
            case Pressed(key="backspace"):
                self.text = self.text[:-1]
            case Pressed(key="word-back"):
                self.text = self.text.rstrip().rpartition(" ")[0]
            case Pressed(key="clear"):
                self.text = ""
            case Pressed(key="enter"):
                text, self.text = self.text.strip(), ""
                return text
            case _:
                pass
        return None

    def row(self, look: Look, width: int, label: str) -> str:
        """The end of the text, as much as fits, with a cursor behind it."""
        room = width - cell_width(label) - 1
        shown = look.encodable(safe_line(self.text, DRAFT_MAX))[-max(room, 1) :]
        while cell_width(shown) > room > 0:
            shown = shown[1:]
        return look.row([(label, "bold"), (shown, "plain"), (" ", "cursor")], width)
