"""What goes over the wire: the events of the Realtime API, and errors in all their forms."""
