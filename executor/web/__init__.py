"""Pages of the web for a model: fetched, converted and kept for the session.

The work is done by a process of its own; whoever starts it loads nothing of that.
"""
