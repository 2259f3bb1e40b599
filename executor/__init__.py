"""The hands: a local program that does what a maestro orders, by its user's own policy.

Never plans; owns files, processes and consent on this machine.
"""
