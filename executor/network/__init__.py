"""Which machines may be reached, and a socket to the one that was looked at.

One guard for whatever goes out on behalf of a model. Knows no protocol above TCP.
"""
