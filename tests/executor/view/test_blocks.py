"""Markdown is cut into blocks as it comes, the same however it is split, and nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.view.blocks import Block, BlockCutter

LINES = st.lists(
    st.sampled_from(
        ["", "text", "- item", "  - nested", "1. one", "```", "~~~~", "# head", "| a |"]
    )
)


def cut(*pieces: str) -> list[Block]:
    cutter = BlockCutter()
    blocks = [block for piece in pieces for block in cutter.feed(piece)]
    return [*blocks, *cutter.finish()]


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("one\ntwo\n\nthree", [Block("one\ntwo"), Block("three")]),
        ("# head\ntext", [Block("# head"), Block("text")]),
        ("- a\n  - b\n\n  c\n- d\n", [Block("- a\n  - b\n\n  c"), Block("- d", apart=False)]),
        ("```py\n\n# x\n```\nend", [Block("```py\n\n# x\n```"), Block("end")]),
        ("so:\n```\nx", [Block("so:"), Block("```\nx")]),
        ("\n\n", []),
    ],
)
def test_a_block_ends_where_nothing_can_change_it(text: str, blocks: list[Block]) -> None:
    assert cut(text) == blocks


@given(LINES, st.data())
def test_how_it_is_split_changes_nothing_and_no_line_is_lost(
    lines: list[str], data: st.DataObject
) -> None:
    text = "\n".join(lines)
    at = data.draw(st.integers(0, len(text)))
    blocks = cut(text[:at], text[at:])
    assert blocks == cut(text)
    kept = [line for block in blocks for line in block.text.split("\n") if line]
    assert kept == [line for line in lines if line]


def test_a_block_without_end_is_cut_and_code_stays_code() -> None:
    blocks = cut("```py\n", "x = 1\n" * 20_000)
    assert len(blocks) > 2
    assert all(block.text.startswith("```py\nx = 1\n") for block in blocks)
