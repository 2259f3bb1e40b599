"""Patches in the `*** Begin Patch` envelope: read, matched against files, planned as a whole.

Writes nothing; what is planned is committed by the workspace.
"""
