"""What the project costs, measured: one program a question, each printing a table and JSON."""
