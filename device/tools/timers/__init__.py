"""Timers, alarms and reminders: set by voice, kept over a restart, rung when it is time."""
