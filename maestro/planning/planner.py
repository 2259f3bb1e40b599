"""Turn a transcript into a request to the model.

One planner a session: it keeps what must stay the same object from request to request, so that a
client encodes it once and the provider finds its prefix again. Decides nothing.
"""

from maestro.domain.conversation import ModelRequest, UserTurn
from maestro.domain.transcript import Transcript
from maestro.planning.context import opening_turn
from maestro.planning.prompt import system_prompt
from maestro.planning.toolbelt import Toolbelt


class Planner:
    def __init__(self, session_id: str, transcript: Transcript, default_model: str) -> None:
        """`default_model` is `provider/name`, for a session that wishes for none."""
        self._session_id = session_id
        self._transcript = transcript
        self._default_model = default_model
        self._opening: tuple[UserTurn, ...] | None = None
        self._toolbelt = Toolbelt((), ())

    @property
    def toolbelt(self) -> Toolbelt:
        """Of the last executor that was attached, whether it is there or not."""
        attached = self._transcript.attached
        if attached is not None:
            offered = (attached.known_tools, attached.custom_tools, attached.max_frame_bytes)
            held = self._toolbelt
            if offered != (held.known, held.custom, held.frame_bytes):
                self._toolbelt = Toolbelt(*offered)
        return self._toolbelt

    def request(self) -> ModelRequest:
        """What the model is asked next; to be made while no call is open."""
        if self._opening is None:
            opening = opening_turn(self._transcript)
            self._opening = () if opening is None else (opening,)
        wishes = self._transcript.wishes
        return ModelRequest(
            model=wishes.model or self._default_model,
            system=system_prompt(),
            turns=(*self._opening, *self._transcript.dialogue.turns()),
            tools=self.toolbelt.specs,
            effort=wishes.effort,
            session_id=self._session_id,
        )
