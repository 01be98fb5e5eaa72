"""Tools on MCP servers that the provider calls by itself."""
