"""The message that the model is writing: which generation it is of, and what of it is complete.

Takes deltas and whole messages; gives blocks of Markdown. Draws nothing.
"""

from executor.view.blocks import Block, BlockCutter


class MessageStream:
    """Ids of generations compare as plain strings; a later one voids what went before it."""

    def __init__(self) -> None:
        self._cutter = BlockCutter()
        self._generation = ""
        self._whole = True
        self._pieces: list[str] = []
        self._blocks = 0
        self._fresh: list[str] = []

    @property
    def generation(self) -> str:
        """The latest that was heard of."""
        return self._generation

    @property
    def open_block(self) -> Block | None:
        """What has come of the block that is being written; `cut` first."""
        text = self._cutter.open_text
        return Block(text, self._cutter.open_apart) if text.strip() else None

    @property
    def open_fence(self) -> str:
        return self._cutter.open_fence

    def begin(self, generation_id: str) -> bool:
        """A sign of this generation; True when it voids a message that was partly shown."""
        if generation_id <= self._generation:
            return False
        voided = not self._whole and bool(self._pieces)
        self._reset(generation_id)
        self._whole = False
        return voided

    def delta(self, generation_id: str, content: str) -> None:
        if generation_id == self._generation and not self._whole:
            self._pieces.append(content)
            self._fresh.append(content)

    def cut(self) -> list[Block]:
        """The blocks that were completed since the last time."""
        blocks = self._cutter.feed("".join(self._fresh))
        self._fresh.clear()
        self._blocks += len(blocks)
        return blocks

    def message(self, generation_id: str, content: str) -> tuple[list[Block], bool]:
        """The whole text: the blocks that are not shown yet, and whether they start anew.

        Anew: what was shown is not how the message begins, and stands above it.
        """
        if generation_id != self._generation or self._whole:
            return [], False
        streamed = "".join(self._pieces)
        anew = not content.startswith(streamed)
        if anew:
            anew = self._blocks > 0
            self._reset(generation_id)
            self._fresh.append(content)
        else:
            self._fresh.append(content[len(streamed) :])
        blocks = [*self.cut(), *self._cutter.finish()]
        self._whole = True
        return blocks, anew

    def finish(self) -> list[Block]:
        """Nothing more will come: what there is of an unfinished message."""
        if self._whole:
            return []
        self._whole = True
        return [*self.cut(), *self._cutter.finish()]

    def _reset(self, generation_id: str) -> None:
        self._cutter = BlockCutter()
        self._generation = generation_id
        self._pieces, self._fresh, self._blocks = [], [], 0
