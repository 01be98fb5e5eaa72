"""The wizard: asks what a house needs to know, lets it be tried, and writes the configuration."""
