"""What others have on the broker: things of Zigbee2MQTT, of Tasmota, and plain topics, as one source of a home."""
