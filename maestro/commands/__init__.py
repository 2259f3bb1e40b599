"""What `maestro COMMAND` does, one file a command.

Each takes parsed flags and returns an exit code; the wiring is `bootstrap`'s.
"""
