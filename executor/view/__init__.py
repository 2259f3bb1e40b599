"""What the user sees: terminal, plain text, JSON.

Shows what it is told and asks what it must; decides nothing.
"""
