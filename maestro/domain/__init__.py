"""What a session is: events, the fold over them, and the rules that need no I/O.

Pure values and functions; no clock, no driver, no framework.
"""
