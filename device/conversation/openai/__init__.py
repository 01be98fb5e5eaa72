"""OpenAI Realtime (GA) and the servers that speak the same protocol."""
