"""Tell a program's options, their values and its other words apart, as the program itself does.

Understands the options that a table lists; stops at the first other one.
"""

from collections.abc import Sequence

import msgspec

from executor.policy.programs import Looking


class Given(msgspec.Struct, frozen=True):
    """The words of one command."""

    free: tuple[str, ...] = ()
    """Neither options nor their values."""
    options: tuple[tuple[str, str], ...] = ()
    """By their names, in their order, joined letters one by one; a flag has an empty value."""
    unknown: str = ""
    """The first option that the table does not list; what follows it was not looked at."""

    def has(self, *names: str) -> bool:
        return any(name in names for name, _ in self.options)

    def values(self, *names: str) -> tuple[str, ...]:
        return tuple(value for name, value in self.options if name in names)


def given(looking: Looking, words: Sequence[str]) -> Given:
    """What `words` say to a program of that table."""
    free: list[str] = []
    options: list[tuple[str, str]] = []
    waiting = list(reversed(words))
    while waiting:
        word = waiting.pop()
        if word == "--":
            free.extend(reversed(waiting))
            break
        if not word.startswith("-") or word == "-":
            free.append(word)
            continue
        found = _options(looking, word)
        if found is None:
            return Given(tuple(free), tuple(options), word)
        name, value = found[-1]
        if value is None:
            found[-1] = name, waiting.pop() if waiting else ""
        options += [(name, value or "") for name, value in found]
    return Given(tuple(free), tuple(options))


def _options(looking: Looking, word: str) -> list[tuple[str, str | None]] | None:
    """What one word says; a last value of None stands in the next word. None: not known."""
    if word in looking.flags:
        return [(word, "")]
    if word in looking.valued:
        return [(word, None)]
    name, separator, value = word.partition("=")
    if separator and name in looking.valued:
        return [(name, value)]
    if word.startswith("--"):
        return None
    if word[1:].isdigit() and "-n" in looking.valued:
        return [("-n", word[1:])]
    return _letters(looking, word)


def _letters(looking: Looking, word: str) -> list[tuple[str, str | None]] | None:
    found: list[tuple[str, str | None]] = []
    for index, letter in enumerate(word[1:], start=1):
        name = f"-{letter}"
        if name in looking.valued:
            return [*found, (name, word[index + 1 :] or None)]
        if name not in looking.flags:
            return None
        found.append((name, ""))
    return found
