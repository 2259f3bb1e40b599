"""The planner: stateless processes over a ledger (SQL) and a bus (Redis or memory).

Never touches the developer's files; that is the executor's business.
"""
