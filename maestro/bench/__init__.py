"""An executor that only looks at the clock, for operators.

Runs nothing, holds no tool.
"""
