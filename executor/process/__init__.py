"""Run commands: streamed, bounded, and ended with everything that they started.

Knows nothing of tools, and nothing of what may be run.
"""
