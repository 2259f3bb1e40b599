"""Which bytes of each file the model has seen in this session.

Forgets with the process: after a resume, files are read again before they are changed.
"""

MAX_FILES = 10_000


class SeenFiles:
    """Implements `executor.tool_context.ReadLog`; keeps the last MAX_FILES."""

    def __init__(self) -> None:
        self._digests: dict[str, str] = {}

    def note(self, path: str, digest: str) -> None:
        self._digests.pop(path, None)
        self._digests[path] = digest
        if len(self._digests) > MAX_FILES:
            del self._digests[next(iter(self._digests))]

    def seen(self, path: str) -> str | None:
        return self._digests.get(path)
