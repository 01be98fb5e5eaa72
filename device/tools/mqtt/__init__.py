"""MQTT: this device among the things of a home, at the broker that the home has."""
