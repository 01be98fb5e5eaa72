"""General helpers: they know nothing about what this program does."""
