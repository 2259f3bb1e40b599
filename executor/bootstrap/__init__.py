"""The composition root: settings and a directory become a session with all its parts.

The only place that names concrete tools, views and links; imports the heavy ones late.
"""
