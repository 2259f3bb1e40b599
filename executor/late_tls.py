"""asyncio without TLS at first, which most runs never use, and with it once a link asks for it.

Builds on asyncio being made to work where Python has no `ssl`. What uses TLS without asyncio needs
none of this.
"""

import importlib
import sys
from collections.abc import Sequence
from types import ModuleType

_TLS = "ssl"


class _Absent:
    """Finds no such module as `ssl`, as on a Python that was built without it."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        del path, target
        if name == _TLS:
            raise ModuleNotFoundError(f"{name} comes later", name=name)


def import_asyncio_without_tls() -> None:
    """Where both are still to be imported; saves 6 ms and a megabyte of each start."""
    if _TLS in sys.modules:
        return
    absent = _Absent()
    sys.meta_path.insert(0, absent)
    try:
        importlib.import_module("asyncio")
    finally:
        sys.meta_path.remove(absent)


def bring_tls() -> None:
    """From here on asyncio speaks TLS, in whichever way it was imported."""
    import ssl
    from asyncio import sslproto

    lacking = [
        module
        for name, module in sys.modules.items()
        if name.startswith("asyncio.") and vars(module).get(_TLS, ssl) is None
    ]
    for module in lacking:
        setattr(module, _TLS, ssl)
    if lacking:
        importlib.reload(sslproto)  # it looks up what it catches when it is loaded
