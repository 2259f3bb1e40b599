"""The difference of two texts, as a unified diff that is bounded in size and time.

Compares lines; knows no files.
"""

from itertools import chain

import msgspec

CONTEXT = 3
DIFF_MAX = 64 * 1024
"""Characters of a diff."""
_COMPARED_MAX = 4_000_000
"""Pairs of lines; larger changes are told as one replacement, whose size is all that is bounded."""
_NO_NEWLINE = "\n\\ No newline at end of file\n"


class Difference(msgspec.Struct, frozen=True):
    diff: str
    """Empty if the texts are equal; cut at a line, with a note, beyond DIFF_MAX."""
    added: int
    removed: int


def difference(path: str, before: str, after: str) -> Difference:
    """What turns `before` into `after`, under the name `path`."""
    lines, added, removed = hunks(before, after)
    if not lines:
        return Difference("", 0, 0)
    header = [f"--- {path}\n" if before else "--- /dev/null\n", f"+++ {path}\n"]
    return Difference(_capped(header + lines), added, removed)


def hunks(before: str, after: str) -> tuple[list[str], int, int]:
    """The lines of all hunks, uncut, and how many of them are added and removed."""
    old, new = _split(before), _split(after)
    start, end = _common_ends(old, new)
    groups = _groups(old, new, start, end)
    added = removed = 0
    lines: list[str] = []
    for group in groups:
        first, last = group[0], group[-1]
        lines.append(f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@\n")
        for tag, i, j, k, m in group:
            if tag == "equal":
                lines.extend(_marked(" ", old[i:j]))
                continue
            removed += j - i
            added += m - k
            lines.extend(chain(_marked("-", old[i:j]), _marked("+", new[k:m])))
    return lines, added, removed


def _split(text: str) -> list[str]:
    """Lines at line feeds only, so that a change of endings is seen as one."""
    lines = [f"{line}\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _common_ends(old: list[str], new: list[str]) -> tuple[int, int]:
    """How many lines both begin and end with: what changed between them is usually little."""
    most = min(len(old), len(new))
    start = 0
    while start < most and old[start] == new[start]:
        start += 1
    end = 0
    while end < most - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return start, end


_Step = tuple[str, int, int, int, int]


def _groups(old: list[str], new: list[str], start: int, end: int) -> list[list[_Step]]:
    """Changed stretches with their context, in difflib's terms."""
    old_end, new_end = len(old) - end, len(new) - end
    if start == old_end and start == new_end:
        return []
    if (old_end - start) * (new_end - start) > _COMPARED_MAX:
        steps: list[_Step] = [("replace", start, old_end, start, new_end)]
    else:
        import difflib

        matcher = difflib.SequenceMatcher(
            None, old[start:old_end], new[start:new_end], autojunk=False
        )
        steps = [
            (tag, i + start, j + start, k + start, m + start)
            for tag, i, j, k, m in matcher.get_opcodes()
        ]
    above, below = min(start, CONTEXT), min(end, CONTEXT)
    steps.insert(0, ("equal", start - above, start, start - above, start))
    steps.append(("equal", old_end, old_end + below, new_end, new_end + below))
    return list(_grouped([step for step in steps if step[2] > step[1] or step[4] > step[3]]))


def _grouped(steps: list[_Step]) -> list[list[_Step]]:
    """Split where more than twice the context is equal."""
    groups: list[list[_Step]] = [[]]
    for tag, i, j, k, m in steps:
        if tag == "equal" and j - i > 2 * CONTEXT:
            groups[-1].append((tag, i, i + CONTEXT, k, k + CONTEXT))
            groups.append([(tag, j - CONTEXT, j, m - CONTEXT, m)])
        else:
            groups[-1].append((tag, i, j, k, m))
    return groups


def _range(start: int, stop: int) -> str:
    length = stop - start
    return f"{start + bool(length)}" if length == 1 else f"{start + bool(length)},{length}"


def _marked(mark: str, lines: list[str]) -> list[str]:
    return [
        f"{mark}{line}" if line.endswith("\n") else f"{mark}{line}{_NO_NEWLINE}" for line in lines
    ]


def _capped(lines: list[str]) -> str:
    size = 0
    for index, line in enumerate(lines):
        size += len(line)
        if size > DIFF_MAX:
            return "".join(lines[:index]) + f"[{len(lines) - index:,} more lines of the diff]\n"
    return "".join(lines)
