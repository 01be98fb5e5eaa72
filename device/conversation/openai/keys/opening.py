"""Chooses where keys come from, by the settings."""

from __future__ import annotations

from device.conversation.openai import keys
from device.conversation.openai.keys.keys import Keys, OwnKey
from device.conversation.openai.settings import OpenAI
from device.errors import ConfigError
from device.kit.textfiles import expanded, unreadable
from device.kit.threads import Threads
from device.ports.provider import Ends

_SET = "conversation.openai"


def open_keys(settings: OpenAI, ends: Ends) -> Keys:
    """Return the device's own key, or begin to fetch keys from the broker. Raise ConfigError."""
    return _brokered(settings, ends) if settings.broker else OwnKey(ends.secrets[keys.KEY])


def _brokered(settings: OpenAI, ends: Ends) -> Keys:
    # Imported late: most devices have a key of their own.
    from device.conversation.openai.keys.brokerage import Broker
    from device.conversation.openai.keys.brokered import BrokeredKeys
    from device.conversation.openai.keys.devicetoken import DeviceTokens

    own, tokens = ends.secrets.get(keys.KEY), DeviceTokens(ends.state_dir, ends.secrets)
    if own is None and not (tokens.known() or tokens.enrolments()):
        raise ConfigError(
            f"{_SET}.broker is set, but this device is not enrolled there, and has no key of its own; on the broker's "
            "machine make a token (hearthside broker token), and put it into /etc/credstore/hearthside_enrolment here "
            "(or into the environment variable HEARTHSIDE_ENROLMENT)"
        )
    threads = Threads("broker")
    broker = Broker(settings.broker, authority(settings.broker_ca), threads)
    brokered = BrokeredKeys(broker, settings.model, tokens, threads, ends.post, own)
    brokered.start()
    return brokered


def authority(name: str) -> str:
    """Return where the certificate of the broker's authority is; "" for those of the system. Raise ConfigError."""
    path = expanded(name, f"{_SET}.broker_ca") if name else None
    if path is not None and (why := unreadable(path)):
        raise ConfigError(f"{_SET}.broker_ca: {why}; put there what `hearthside broker ca` prints on its machine")
    return str(path or "")
