"""The Bus port and the Limits port, each in memory and on Redis.

Holds no truth: everything here may be lost.
"""
