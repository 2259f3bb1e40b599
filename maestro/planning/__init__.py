"""Decide what happens next in a session and carry that step out.

Knows ports only: no driver, no framework, no socket.
"""
