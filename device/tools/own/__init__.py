"""Tools of a person's own: each a TOML file that names a command, its arguments and how people ask for it."""
