"""Tools of the user's own: Python functions and commands, offered beside the built-in ones.

A file in the user's tools folder begins with `from executor.own_tools import tool`, so this package
loads nothing but that.
"""

from executor.own_tools.marking import tool

__all__ = ["tool"]
