"""The clipboard of the person in front: by a program of the desktop, or by the terminal.

Decides nothing about whether it may be read.
"""
