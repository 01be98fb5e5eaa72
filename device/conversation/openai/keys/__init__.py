"""Where the key for a session comes from: it is given, or it is fetched from a broker that keeps it.

Light to import: here are only the names of what the house is asked for.
"""

KEY = "OPENAI_API_KEY"
TOKEN = "HEARTHSIDE_BROKER_TOKEN"
"""By which the broker knows this device."""
ENROLMENT = "HEARTHSIDE_ENROLMENT"
"""What that is exchanged for, once."""

PATIENCE_S = 5.0
"""How long a person who asks is kept waiting for a key, where none is at hand."""
