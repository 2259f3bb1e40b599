"""The Bus port in memory and on Redis Streams.

Holds no truth: everything here may be lost.
"""
