"""What may happen on this machine: one pure decision for every tool.

Knows no terminal and asks nobody; `session` turns an Ask into a question.
"""
