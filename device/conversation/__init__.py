"""Providers of a spoken conversation, each behind the `Conversation` port."""
