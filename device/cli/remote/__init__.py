"""The commands that speak to the house that runs, through its control socket. Light: they load nothing of it."""
