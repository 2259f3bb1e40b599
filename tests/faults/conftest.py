"""A machine for each test, as in the tests of the installed commands."""

from tests.e2e.conftest import machine

__all__ = ["machine"]
