"""`ShellOutput`: no part of a secret goes out, wherever a part of the output begins or ends."""

import asyncio
import re

import pytest

from executor.process.kept import NEAR, SHORT, whole_words
from executor.redaction import Known, Redactor
from executor.session.results import without_secrets
from executor.tools.shell_output import PART_MAX
from tests.executor.tools.test_shell_output import begun
from tests.executor.tools.world import World

TOKEN = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vX4z7C0fL" + "yR2wU5"
ALONE = f"one line\nsecond word {TOKEN} behind it\nlast\n"
NAMED = 'DB_PASSWORD="correct9-horse!battery"\nmore\n'
VALUE = "correct9-horse!battery"
SEEN = 8
"""Characters in a row of a secret that tell too much."""


def leaks(secret: str, *texts: str) -> bool:
    """Whether more of it is out than a few characters at one end."""
    pieces = {secret[at : at + SEEN] for at in range(len(secret) - SEEN + 1)}
    return any(piece in text for piece in pieces for text in texts)


@pytest.fixture
def redactor() -> Redactor:
    return Redactor(key=b"k" * 32)


@pytest.mark.parametrize(("text", "secret"), [(ALONE, TOKEN), (NAMED, VALUE)])
def test_what_is_read_from_any_place_on_shows_nothing_of_a_secret_that_goes_on_there(
    redactor: Redactor, text: str, secret: str
) -> None:
    begins, ends = text.index(secret), text.index(secret) + len(secret)
    whole = redactor.redact(text)

    for behind in range(len(text) + 1):
        rest = redactor.redact(text, behind=behind)

        assert not leaks(secret, rest), behind
        if begins <= behind < ends:
            assert rest.startswith("«secret:")
        else:
            assert whole.endswith(rest)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize(("text", "secret"), [(ALONE, TOKEN), (ALONE.replace("\n", " "), TOKEN)])
def test_a_part_that_ends_anywhere_and_the_next_show_nothing_of_a_secret(
    redactor: Redactor, text: str, secret: str, *, full: bool
) -> None:
    for split in range(1, len(text) + 1):
        end = whole_words(text[:split].encode(), full=full)
        parts = redactor.redact(text[:end]), redactor.redact(text, behind=end)

        assert not leaks(secret, *parts), (split, parts)


def test_a_part_ends_at_a_line_or_a_word_and_what_is_endless_is_parted() -> None:
    assert whole_words(b"a\nb c", full=True) == 2
    assert whole_words(b"a b" + b"c" * 20, full=True) == 2
    assert whole_words(b"a\nready> ", full=False) == 9
    assert whole_words(b"a 50%", full=False) == 5
    assert whole_words(b"a " + b"b" * (SHORT - 1), full=False) == SHORT + 1
    assert whole_words(b"a " + b"b" * SHORT, full=False) == 2
    assert whole_words(b"a " + b"b" * NEAR, full=False) == NEAR + 2
    assert whole_words(b"a " + b"b" * NEAR, full=True) == NEAR + 2
    assert whole_words(b"", full=False) == 0


async def shown(world: World, redactor: Redactor, **parameters: object) -> str:
    """As it leaves this machine."""
    outcome = await world.run("ShellOutput", **parameters)
    return without_secrets(outcome, redactor).text


async def test_every_cursor_and_every_end_of_a_part_is_safe(
    world: World, redactor: Redactor
) -> None:
    before = "first words\n" + "x" * 70 + " "
    filled = "y" * 60 + "\n"
    at = PART_MAX + 20
    lines = before + filled * ((at - len(before)) // len(filled))
    text = lines + "z" * (at - len(lines) - 1) + f" {TOKEN} and {TOKEN}\nend\n"
    world.file("out", text)
    shell_id = await begun(world, "cat out; exec sleep 60")
    await world.run("ShellOutput", shell_id=shell_id, cursor=0, wait_for="^end$")
    begins = text.index(TOKEN)

    for cursor in range(begins - 4, begins + len(TOKEN) + 4):
        assert not leaks(TOKEN, await shown(world, redactor, shell_id=shell_id, cursor=cursor))
        filtered = await shown(world, redactor, shell_id=shell_id, cursor=cursor, filter="and")
        assert not leaks(TOKEN, filtered)
    for cursor in range(len(TOKEN) + 30):
        first = await shown(world, redactor, shell_id=shell_id, cursor=cursor)
        found = re.search(r": cursor (\d+) reads on", first)
        assert found is not None
        second = await shown(world, redactor, shell_id=shell_id)
        assert not leaks(TOKEN, first, second), cursor
    await world.run("ShellKill", shell_id=shell_id)


async def in_two_pieces(world: World, redactor: Redactor, head: str, rest: str) -> list[str]:
    """What Shell and ShellOutput tell of the first piece, and ShellOutput when all is written."""
    command = f"printf 'ready {head}'; until test -e go; do sleep 0.02; done; "
    command += f"echo '{rest} done'; exec sleep 60"
    begins = await world.text("Shell", command=command, background=True)
    shell_id = re.findall(r"as (sh\d+),", begins)[0]

    first = await shown(world, redactor, shell_id=shell_id, cursor=0, wait_for="ready")
    world.file("go")
    async with asyncio.timeout(20):
        second = await shown(world, redactor, shell_id=shell_id, wait_for="done")
    await world.run("ShellKill", shell_id=shell_id)
    return [begins, first, second]


async def test_a_word_that_is_being_written_waits_for_its_end(
    world: World, redactor: Redactor
) -> None:
    begins, first, second = await in_two_pieces(world, redactor, TOKEN[:30], TOKEN[30:])

    assert first.startswith("ready \n[")
    assert "an unfinished word of 30 bytes waits for its end" in first
    assert second.startswith("«secret:github_token:")
    assert begins.startswith("ready \n[")
    assert not leaks(TOKEN, first, second)


PHRASE = "quiet river stone by the water"


async def test_of_a_secret_of_several_words_that_is_being_written_nothing_is_shown(
    world: World,
) -> None:
    redactor = Redactor(lambda: [Known("PHRASE", PHRASE)], key=b"k" * 32)
    world.unfinished = redactor.unfinished
    begins, first, second = await in_two_pieces(world, redactor, PHRASE[:17], PHRASE[17:])

    assert begins.startswith("ready \n[")
    assert first.startswith("ready \n[")
    assert "an unfinished word of 17 bytes waits for its end" in first
    assert second.startswith("«secret:PHRASE:")


@pytest.mark.parametrize("full", [True, False])
def test_a_part_that_ends_within_a_secret_of_several_words_ends_before_it(*, full: bool) -> None:
    redactor = Redactor(lambda: [Known("PHRASE", PHRASE)], key=b"k" * 32)
    text = f"one line\nsecond wörd {PHRASE} behind it\nlast\n".replace("\n", "\r")
    for split in range(1, len(text) + 1):
        content = text[:split].encode()
        end = whole_words(content, full=full, unfinished=redactor.unfinished)
        before = content[:end].decode()
        parts = redactor.redact(before), redactor.redact(text, behind=len(before))

        assert not leaks(PHRASE, *parts), (split, parts)
