"""The broker: keeps the provider's key on a trusted machine, and gives devices secrets that live for minutes."""
