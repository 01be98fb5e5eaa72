"""Wake-word engines, and the thread that runs one."""
