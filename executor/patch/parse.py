"""Read the text of a patch, forgiving in what can mean one thing only.

Looks at no file. A patch that breaks off is refused: half of it must not land.
"""

import re

from executor.errors import ToolFailure
from executor.patch.sections import Add, Delete, Hunk, Line, Section, Update

FILES_MAX = 100
_BEGIN, _END = "*** Begin Patch", "*** End Patch"
_ADD, _UPDATE, _DELETE = "*** Add File:", "*** Update File:", "*** Delete File:"
_MOVE, _END_OF_FILE = "*** Move to:", "*** End of File"
_NO_ENDING = "\\ No newline at end of file"
_AROUND = re.compile(r"\s*(```\w*|apply_patch\b.*|cat <<.*|[\"']?EOF[\"']?|PATCH|)\s*")
"""What models put around a patch: fences, and the shell's here-documents."""
_RANGE = re.compile(r"-(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@.*")


def parsed(patch: str) -> tuple[Section, ...]:
    """The sections of `patch`, one a path. Raises ToolFailure `bad_patch`, which names the line."""
    sections = _Reader(patch).sections()
    merged: dict[str, Section] = {}
    for section in sections:
        before = merged.get(section.path)
        if before is None:
            merged[section.path] = section
        elif isinstance(before, Update) and isinstance(section, Update) and not before.move_to:
            hunks = (*before.hunks, *section.hunks)
            merged[section.path] = Update(section.path, hunks, section.move_to)
        else:
            raise ToolFailure("bad_patch", f"{section.path} stands in two sections that disagree.")
    if len(merged) > FILES_MAX:
        raise ToolFailure(
            "bad_patch", f"The patch has {len(merged)} files: at most {FILES_MAX} go at once."
        )
    return tuple(merged.values())


class _Reader:
    """The lines of a patch, and how far they were read."""

    def __init__(self, patch: str) -> None:
        self._lines = [line.removesuffix("\r") for line in patch.split("\n")]
        self._at = 0

    def sections(self) -> list[Section]:
        self._skip_to_begin()
        sections: list[Section] = []
        while (line := self._taken().rstrip()) != _END:
            if line.startswith(_ADD):
                sections.append(self._added(self._path(line, _ADD)))
            elif line.startswith(_DELETE):
                sections.append(Delete(self._path(line, _DELETE)))
            elif line.startswith(_UPDATE):
                sections.append(self._updated(self._path(line, _UPDATE)))
            elif line:
                raise self._bad(
                    f"{line[:100]!r} is none of '{_ADD} PATH', '{_UPDATE} PATH', '{_DELETE} PATH' "
                    f"and '{_END}'; every line of a file needs its mark ' ', '-' or '+'"
                )
        for number, line in enumerate(self._lines[self._at :], start=self._at + 1):
            if not _AROUND.fullmatch(line):
                raise ToolFailure("bad_patch", f"Line {number} of the patch follows '{_END}'.")
        if not sections:
            raise ToolFailure("bad_patch", "The patch names no file.")
        return sections

    def _skip_to_begin(self) -> None:
        for number, line in enumerate(self._lines):
            if line.strip() == _BEGIN:
                self._at = number + 1
                return
            if not _AROUND.fullmatch(line):
                break
        hint = ""
        if any(line.startswith(("--- ", "diff --git ")) for line in self._lines):
            hint = (
                f" A unified diff has to be put into that form: '{_UPDATE} PATH' in place of each "
                f"pair of '---' and '+++' lines, its hunks as they are, and at last '{_END}'."
            )
        raise ToolFailure("bad_patch", f"The patch does not begin with the line '{_BEGIN}'.{hint}")

    def _taken(self) -> str:
        if self._at == len(self._lines):
            raise ToolFailure(
                "bad_patch",
                f"The patch ends without '{_END}': it may have been cut off. Nothing was changed; "
                "send it whole, or in smaller parts.",
            )
        self._at += 1
        return self._lines[self._at - 1]

    def _next(self) -> str | None:
        """The next line of this section, not taken; None at the section's end."""
        line = self._lines[self._at] if self._at < len(self._lines) else _END
        ends = line.rstrip() == _END or line.startswith((_ADD, _UPDATE, _DELETE))
        return None if ends else line

    def _path(self, line: str, head: str) -> str:
        path = line[len(head) :].strip()
        if not path:
            raise self._bad(f"'{head}' names no path")
        return path

    def _bad(self, why: str) -> ToolFailure:
        return ToolFailure("bad_patch", f"Line {self._at} of the patch: {why}.")

    def _added(self, path: str) -> Add:
        lines: list[str] = []
        ended = True
        while (line := self._next()) is not None:
            self._at += 1
            if line == _NO_ENDING and lines:
                ended = False
            elif line.startswith("+") and ended:
                lines.append(line[1:])
            elif line.strip() or not self._is_layout():
                raise self._bad(f"the lines of a file that is added begin with '+' ({path})")
        text = "".join(f"{line}\n" for line in lines)
        return Add(path, text if ended else text[:-1])

    def _is_layout(self) -> bool:
        """Whether only empty lines lie before the section's end."""
        at = self._at
        while at < len(self._lines) and not self._lines[at].strip():
            at += 1
        return at == len(self._lines) or self._lines[at].startswith("*** ")

    def _updated(self, path: str) -> Update:
        move_to = None
        following = self._next()
        if following is not None and following.startswith(_MOVE):
            self._at += 1
            move_to = self._path(following, _MOVE)
        hunks: list[Hunk] = []
        while (line := self._next()) is not None:
            if line.strip() or not self._is_layout():
                hunks.append(self._hunk())
            else:
                self._at += 1
        if not hunks and move_to is None:
            raise self._bad(f"the section of {path} has no hunk")
        return Update(path, tuple(hunks), None if move_to == path else move_to)

    def _hunk(self) -> Hunk:
        start = self._at + 1
        anchors: list[str] = []
        number: int | None = None
        while (line := self._next()) is not None and line.startswith("@@"):
            self._at += 1
            anchor = line[2:].strip()
            if found := _RANGE.fullmatch(anchor):
                number = int(found[1])
            elif anchor and anchor != "@@":
                anchors.append(anchor.removesuffix(" @@"))
        lines: list[Line] = []
        at_end = False
        while not at_end and (line := self._next()) is not None and not line.startswith("@@"):
            self._at += 1
            if line.rstrip() == _END_OF_FILE:
                at_end = True
            elif line == _NO_ENDING and lines:
                last = lines.pop()
                lines.append(Line(last.mark, last.text, unended=True))
            else:
                lines.append(self._line(line))
        if not lines:
            raise self._bad("the hunk has no lines")
        unended = any(line.unended for line in lines)
        return Hunk(tuple(lines), start, tuple(anchors), number, at_end=at_end or unended)

    def _line(self, line: str) -> Line:
        match line[:1]:
            case " " | "-" | "+" as mark:
                return Line(mark, line[1:])
            case "":
                return Line(" ", "", unprefixed=True)
            case _:
                raise self._bad(
                    f"{line[:100]!r} has no mark: begin it with ' ' (stays), '-' (goes) or '+' "
                    "(comes)"
                )
