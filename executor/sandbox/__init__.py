"""Keep what a command can reach within bounds that the operating system holds.

Knows nothing of policy, of tools, and of how a command is watched.
"""
