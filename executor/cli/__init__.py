"""The `codegen` command: one file for each sub-command.

Only these files and the composition root import heavy libraries, late.
"""
