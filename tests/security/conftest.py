"""One served edge for each test that asks for it."""

from tests.maestro.edge.conftest import edge

__all__ = ["edge"]
