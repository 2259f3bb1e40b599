"""Speak to model providers, and to recordings of them.

Knows nothing of sessions or the ledger.
"""
