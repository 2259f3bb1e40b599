"""What a project was before and after each change of the agent, kept outside it.

A store of its own instead of a shadow git repository: no attribute, filter, hook or configuration
of the project has a say in it, and it works where there is no git.
"""
