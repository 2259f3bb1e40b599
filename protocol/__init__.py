"""The contract between maestro and executor: messages, tools, codec, states.

Does no I/O and imports nothing else of this project, so that either side can be replaced.
"""
