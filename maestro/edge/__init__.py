"""HTTP and WebSocket doors: executors, watchers, REST.

Plans nothing: it appends facts and sends projections.
"""
