"""The view on a terminal: live, in colour, with questions.

Owns the keys and the screen while it is not paused; what stands on the screen is `layout`'s.
"""

import asyncio
import importlib
import time
from collections.abc import Callable
from typing import cast

from executor.view.asking import Asking
from executor.view.draft import Draft
from executor.view.keyboard import Keyboard
from executor.view.keys import Key
from executor.view.layout import Layout
from executor.view.look import Look
from executor.view.pace import Pace
from executor.view.port import Answer, Connection, Declined, Notice, Question, Shown
from executor.view.screen import Screen
from executor.view.scrollback import Renderer

_TICK_SECONDS = 0.1
_SPINS_PER_SECOND = 10
_QUIET_SECONDS = 0.25
"""Nobody reads a question faster: keys that come earlier were meant for something else."""
_QUIET_TRIES = 20
_RENDERER = "executor.view.markdown"


class TerminalView:
    def __init__(
        self, screen: Screen, look: Look, layout: Layout, keyboard_descriptor: int | None
    ) -> None:
        """`keyboard_descriptor`: None where nobody can be asked."""
        self._screen = screen
        self.copy = screen.copy
        self._look = look
        self._layout = layout
        self._keyboard: Keyboard | None = None
        if keyboard_descriptor is not None:
            self._keyboard = Keyboard(keyboard_descriptor, self._draw_afresh)
        self._pace = Pace(self._draw)
        self._loading: asyncio.Future[Renderer] | None = None
        self._elsewhere: Callable[[str], None] | None = None
        self._shown = asyncio.Event()
        self._shown.set()
        self._on_line: Callable[[str], None] | None = None
        self._draft = Draft()
        self._asking: Asking | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._typed = False

    def show(self, shown: Shown) -> None:
        if self._keyboard is not None and self._elsewhere is None:
            self._keyboard.enter()
        self._layout.show(shown, time.monotonic())
        if not isinstance(shown, Connection | Notice):
            self._load()
        self._pace.soon()

    async def ask(self, question: Question, /) -> Answer:
        """Show the whole question, wait for a key. Cancelled: the question is withdrawn."""
        if self._keyboard is None:
            return Declined(unasked=True)
        if self._elsewhere is not None:
            self.show(Notice("a call waits for your answer: press Enter to see it", "warning"))
            await self._shown.wait()
        if self._loading is not None:
            # What the model said before it wanted this is read before it is answered.
            await asyncio.wait({self._loading})
        size = self._screen.size()
        asking = self._asking = Asking(question, self._look, size.columns - 1)
        self._answer = asyncio.get_running_loop().create_future()
        verdict: Answer | None = None
        try:
            self._keyboard.listen(self)
            self._turn_page(asking, self._layout.take_for_question(size.columns - 1))
            await self._quiet(self._keyboard)
            asking.armed = True
            self._draw()
            verdict = answer = await self._answer
        finally:
            self._asking = self._answer = None
            self._keyboard.listen(self if self._on_line is not None else None)
            self._screen.paint([asking.verdict(verdict, size.columns - 1)], ())
            self._pace.soon()
        return answer

    def put(self, make: Callable[[int], list[str]]) -> None:
        """Print lines, painted and safe, for the width that is given then."""
        self._layout.scrollback.add("note", make, apart=True)
        self._pace.soon()

    def pause(self, elsewhere: Callable[[str], None]) -> None:
        """Leave the terminal to an editor; what is to be printed goes through `elsewhere`."""
        self._draw()
        self._pace.stop()
        self._screen.paint((), ())
        if self._keyboard is not None:
            self._keyboard.leave()
        self._elsewhere, self._on_line = elsewhere, None
        self._shown.clear()

    def resume(self, on_line: Callable[[str], None]) -> None:
        """Take the terminal back for a run; what is typed meanwhile goes to `on_line`."""
        self._elsewhere, self._on_line = None, on_line
        self._layout.begin(time.monotonic())
        if self._keyboard is not None:
            self._keyboard.enter()
            self._keyboard.listen(self)
        self._shown.set()
        self._pace.soon()

    def close(self) -> None:
        self._pace.stop()
        self._layout.finish()
        if self._layout.scrollback.waits_for_renderer:
            self._layout.scrollback.renderer = _load_renderer(self._look)
        self._draw()
        self._pace.stop()
        if self._keyboard is not None:
            self._keyboard.leave()

    def key(self, key: Key, /) -> None:
        asking, answer = self._asking, self._answer
        self._typed = True
        if asking is not None and answer is not None:
            if not asking.armed or answer.done():
                return
            if asking.turns_page(key):
                self._turn_page(asking, [])
                return
            given = asking.press(key)
            if given is not None:
                answer.set_result(given)
        elif self._on_line is not None:
            text = self._draft.press(key)
            if text:
                self._on_line(text)
        self._pace.soon()

    def hung_up(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Declined())

    def _turn_page(self, asking: Asking, before: list[str]) -> None:
        size = self._screen.size()
        page = asking.page(size.lines - 4)
        self._screen.paint([*before, *page], asking.rows(size.columns - 1))

    async def _quiet(self, keyboard: Keyboard) -> None:
        """Wait until nobody types, so that what was typed ahead answers nothing."""
        for _ in range(_QUIET_TRIES):
            self._typed = False
            keyboard.forget()
            await asyncio.sleep(_QUIET_SECONDS)
            if not self._typed:
                return

    def _draw(self) -> None:
        if not self._screen.is_ready():
            self._pace.later(_TICK_SECONDS)
            return
        size = self._screen.size()
        width = max(size.columns - 1, 1)
        if self._asking is not None:
            self._screen.paint((), self._asking.rows(width))
            return
        above = self._layout.take(width)
        if self._elsewhere is not None:
            if above:
                self._elsewhere("".join(f"{line}\n" for line in above))
            return
        now = time.monotonic()
        spins = self._look.marks.spinner
        spinner = spins[int(now * _SPINS_PER_SECOND) % len(spins)]
        typed = [self._draft.row(self._look, width, f"{self._look.marks.prompt} ")]
        typed = typed if self._draft.text else []
        live = self._layout.live(now, spinner, width, size.lines - 1 - len(typed))
        self._screen.paint(above, [*live, *typed])
        if self._layout.running:
            self._pace.later(_TICK_SECONDS)

    def _draw_afresh(self) -> None:
        self._screen.forget()
        self._pace.soon()

    def _load(self) -> None:
        """Fetch the renderer in a thread, once something has come that is worth it."""
        if self._loading is not None or self._layout.scrollback.renderer is not None:
            return
        loop = asyncio.get_running_loop()
        self._loading = loop.run_in_executor(None, _load_renderer, self._look)
        self._loading.add_done_callback(self._loaded)

    def _loaded(self, loading: asyncio.Future[Renderer]) -> None:
        if not loading.cancelled():
            self._layout.scrollback.renderer = loading.result()
            self._pace.soon()


def _load_renderer(look: Look) -> Renderer:
    return cast("Renderer", importlib.import_module(_RENDERER).MarkdownRenderer(look))
