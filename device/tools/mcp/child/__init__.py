"""The process that speaks with MCP servers: started by device/tools/mcp/bridge.py, and the only one to import `mcp`."""
