"""`ReadFile` on images, PDF documents and notebooks, broken and hostile ones among them."""

import base64
import hashlib
import zlib

import pytest

from executor.tool_context import ToolOutcome
from protocol.from_executor import ResultMetadata
from protocol.wire import ImageContent
from tests.executor.tools.documents import gif, jpeg, notebook, pdf, png, webp
from tests.executor.tools.world import World
from tests.requirements import covers

VP8 = webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a\x03\0\x02\0")
VP8L = webp(b"VP8L", b"\x2f" + (2 | 1 << 14).to_bytes(4, "little"))
VP8X = webp(b"VP8X", b"\0\0\0\0" + b"\x02\0\0" + b"\x01\0\0")


@covers("R-FILE-8")
@pytest.mark.parametrize(
    ("content", "kind", "media_type"),
    [
        (png(), "PNG", "image/png"),
        (jpeg(), "JPEG", "image/jpeg"),
        (gif(), "GIF", "image/gif"),
        (VP8, "WebP", "image/webp"),
        (VP8L, "WebP", "image/webp"),
        (VP8X, "WebP", "image/webp"),
    ],
)
async def test_an_image_is_told_with_its_size_and_returned_for_models_that_see(
    world: World, content: bytes, kind: str, media_type: str
) -> None:
    world.file("logo", content)

    assert await world.run("ReadFile", file_path="logo") == ToolOutcome(
        f"[logo: {kind} image, 3 x 2 pixels, {len(content):,} bytes, "
        f"SHA-256 {hashlib.sha256(content).hexdigest()}]",
        content=(ImageContent(media_type, base64.b64encode(content).decode()),),
        metadata=ResultMetadata(total_bytes=len(content)),
    )


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (png()[:-1], "PNG image"),
        (png()[:20], "PNG image"),
        (png().replace(b"\x08\0\0\0\0", b"\x08\0\0\0\1"), "PNG image"),
        (png(0, 0), "PNG image"),
        (b"\x89PNG\r\n\x1a\n", "PNG image"),
        (jpeg()[:-2], "JPEG image"),
        (jpeg()[:30], "JPEG image"),
        (b"\xff\xd8\xff\xd9\xff\xd9\0", "JPEG image"),
        (b"\xff\xd8\xff\xe0\0\0\xff\xd9", "JPEG image"),
        (gif()[:-1], "GIF image"),
        (gif(0), "GIF image"),
        (VP8X[:-1], "WebP image"),
        (webp(b"ABCD", b"\0" * 20), "WebP image"),
    ],
)
async def test_a_broken_image_is_told_and_never_returned(
    world: World, content: bytes, kind: str
) -> None:
    world.file("f", content)

    outcome = await world.run("ReadFile", file_path="f")

    assert outcome.content == ()
    assert outcome.text.startswith(f"[f is a binary file: {kind}, {len(content)} bytes, SHA-256 ")
    assert outcome.text.endswith(
        "\n[not shown, because its structure is broken: it may be cut off]"
    )


@pytest.mark.parametrize(("padding", "width"), [(3_000_000, 3), (0, 8001)])
async def test_an_image_that_is_too_large_is_told_and_not_returned(
    world: World, padding: int, width: int
) -> None:
    world.file("f.png", png(width, padding=padding))

    outcome = await world.run("ReadFile", file_path="f.png")

    assert outcome.content == ()
    assert "too large to be shown: at most 3,000,000 bytes and 8,000 pixels a side" in outcome.text


async def test_the_text_of_a_pdf_comes_by_page(world: World) -> None:
    world.file("a.pdf", pdf(["First words", "", "Last words"]))

    assert await world.text("ReadFile", file_path="a.pdf") == (
        "     1\t[page 1 of 3]\n"
        "     2\tFirst words\n"
        "     3\t[page 2 of 3]\n"
        "     4\t[no text on this page: a picture, perhaps a scan]\n"
        "     5\t[page 3 of 3]\n"
        "     6\tLast words"
    )


@pytest.mark.parametrize(
    ("pages", "shown"),
    [
        ("2", ["[page 2 of 60]", "page two"]),
        ("2-3", ["[page 2 of 60]", "page two", "[page 3 of 60]", "page three"]),
        ("59-", ["[page 59 of 60]", "other", "[page 60 of 60]", "other"]),
        (" 60 - 99 ", ["[page 60 of 60]", "other"]),
    ],
)
async def test_pages_of_a_pdf_are_chosen(world: World, pages: str, shown: list[str]) -> None:
    world.file("a.pdf", pdf(["page one", "page two", "page three", *["other"] * 57]))

    text = await world.text("ReadFile", file_path="a.pdf", pages=pages)

    assert [line.partition("\t")[2] for line in text.splitlines()] == shown


async def test_a_long_pdf_comes_in_parts_that_say_how_to_go_on(world: World) -> None:
    world.file("a.pdf", pdf(["words"] * 60))

    whole = await world.text("ReadFile", file_path="a.pdf")
    part = await world.text("ReadFile", file_path="a.pdf", limit=2)

    assert whole.endswith("\n[page 50 is the last one shown of 60; pages '51-' goes on]")
    assert part.endswith("goes on; lines 1 to 2 of 100; offset 3 goes on]")


@pytest.mark.parametrize("pages", ["", "0", "x", "3-2", "-4", "1,2", "1-2-3", "9999999"])
async def test_pages_that_make_no_sense_are_refused(world: World, pages: str) -> None:
    world.file("a.pdf", pdf(["words"]))

    assert await world.failure("ReadFile", file_path="a.pdf", pages=pages) == (
        "invalid_parameters",
        f"pages {pages!r} is none of '3', '2-5', '7-'.",
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"%PDF-1.7\nnothing else", "it is damaged, or not made by the rules"),
        (pdf(["words"])[:60], "it is damaged, or not made by the rules"),
        (
            pdf(["words"]).replace(b"trailer<<", b"trailer<</Encrypt 99 0 R"),
            "it is damaged, or not made by the rules",
        ),
        (pdf(["words"]), "it has 1 pages, and none of them is among those asked for"),
    ],
)
async def test_a_pdf_that_can_not_be_read_is_told_with_the_reason(
    world: World, content: bytes, why: str
) -> None:
    world.file("a.pdf", content)

    text = await world.text("ReadFile", file_path="a.pdf", pages="7")

    assert text == (
        f"[a.pdf is a binary file: PDF document, {len(content)} bytes, "
        f"SHA-256 {hashlib.sha256(content).hexdigest()}]\n"
        f"[its text can't be shown because {why}]"
    )


@covers("R-FILE-9")
async def test_a_pdf_that_unpacks_to_gigabytes_costs_bounded_time_and_memory(world: World) -> None:
    bomb = zlib.compress(zlib.compress(b"\0" * (1 << 27), 9), 9)
    stream = b"<</Filter[/FlateDecode/FlateDecode]/Length %d>>stream\n%s\nendstream"
    plain = pdf(["x"])
    content = plain.replace(
        plain[plain.index(b"<</Length") : plain.index(b" endobj", plain.index(b"<</Length"))],
        stream % (len(bomb), bomb),
    )
    world.file("a.pdf", content)

    text = await world.text("ReadFile", file_path="a.pdf")

    assert "can't be" in text


async def test_a_notebook_is_shown_as_its_cells(world: World) -> None:
    world.file(
        "a.ipynb",
        notebook(
            {"cell_type": "markdown", "source": ["# Title\n", "words"]},
            {
                "cell_type": "code",
                "execution_count": 3,
                "source": "print(1)\nx",
                "outputs": [
                    {"output_type": "stream", "name": "stdout", "text": ["1\n"]},
                    {
                        "output_type": "execute_result",
                        "data": {"text/plain": "<Figure>", "image/png": "iVBO"},
                    },
                    {
                        "output_type": "error",
                        "ename": "ValueError",
                        "evalue": "bad",
                        "traceback": ["\x1b[0;31mValueError\x1b[0m: bad"],
                    },
                ],
            },
            {"cell_type": "raw", "source": []},
        ),
    )

    text = await world.text("ReadFile", file_path="a.ipynb")

    assert [line.partition("\t")[2] or line for line in text.splitlines()] == [
        "[3 cells]",
        "     2\t",
        "[cell 1, markdown]",
        "# Title",
        "words",
        "     6\t",
        "[cell 2, code, run as 3]",
        "print(1)",
        "x",
        "[stdout]",
        "1",
        "[execute result]",
        "<Figure>",
        "[also as image/png, 4 characters]",
        "[error]",
        "ValueError: bad",
        "    17\t",
        "[cell 3, raw]",
        "[a notebook, shown as its cells; Edit sees its JSON, which raw shows]",
    ]


@pytest.mark.parametrize(
    ("output", "end"),
    [
        ("".join(f"{n}\n" for n in range(100)), "[70 more lines of this output]"),
        ("x" * 5000, "[1,000 more characters of this output]"),
    ],
)
async def test_long_outputs_of_a_notebook_are_shortened(
    world: World, output: str, end: str
) -> None:
    cell = {
        "cell_type": "code",
        "source": "",
        "outputs": [{"output_type": "stream", "text": output}],
    }
    world.file("a.ipynb", notebook(cell))

    lines = (await world.text("ReadFile", file_path="a.ipynb")).splitlines()

    assert lines[-2].endswith(f"\t{end}")


@pytest.mark.parametrize("content", ["{", "[1]", '{"cells": 3}', '{"cells": ' + "[" * 9999, ""])
async def test_what_is_called_a_notebook_and_is_none_is_shown_as_text(
    world: World, content: str
) -> None:
    world.file("a.ipynb", content)

    text = await world.text("ReadFile", file_path="a.ipynb")

    assert text.startswith((f"     1\t{content[:20]}", "[the file is empty]"))


async def test_a_notebook_is_edited_as_the_json_that_raw_shows(world: World) -> None:
    path = world.file("a.ipynb", notebook({"cell_type": "code", "source": "x = 1"}))

    raw = await world.text("ReadFile", file_path="a.ipynb", raw=True)
    outcome = await world.run("Edit", file_path="a.ipynb", old_string="x = 1", new_string="x = 2")

    assert raw.startswith('     1\t{"cells": [{"cell_type": "code", "source": "x = 1"}]')
    assert path.read_text() == notebook({"cell_type": "code", "source": "x = 2"})
    assert outcome.text.endswith("\n[JSON syntax: no errors]")
