"""The Ledger and Accounts ports on SQLite and on PostgreSQL.

Knows no planning: only rows, fences and keys.
"""
