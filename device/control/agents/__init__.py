"""The house as a server of MCP: a few of the control socket's orders, for agents. Runs in a process of its own.

The daemon loads nothing of it but `settings` and `check`: the package `mcp` is heavy, and who
breaks it has not broken the house.
"""
