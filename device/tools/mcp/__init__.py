"""Tools of MCP servers in the house: here they become like any other; a process of its own speaks with the servers."""
