"""A private maestro for one user, started on demand and shared by the user's next runs.

Knows how to find, start and reach one; what it does is the maestro's business.
"""
