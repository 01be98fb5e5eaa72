"""The releases of a device: how it passes from one to another, and what it does when that is interrupted.

Used by scripts/update. Nothing but Python's standard library and Debian's own Python: it must work while a release is
broken, and after an upgrade of Debian, with which the environment of every release is.
"""
