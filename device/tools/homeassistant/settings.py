"""What can be set about Home Assistant."""

from __future__ import annotations

from typing import Literal

from device.settings import Section


class HomeAssistant(Section, frozen=True):
    """The things that Home Assistant has (docs/home-assistant.md). Its token is a secret: home_assistant_token."""

    url: str = ""
    """Where it is, e.g. "http://homeassistant.local:8123"; "": it is not asked."""
    exposed_only: bool = True
    """Only what is exposed to voice assistants there; otherwise all that `allow` names."""
    allow: tuple[str, ...] = ()
    """What the model may use: entities ("light.kitchen"), domains ("light") or areas by id ("kitchen"). Empty: all."""
    deny: tuple[str, ...] = ()
    """What it may not, whatever allows it; named in the same way."""
    area: str = ""
    """The room in which this device stands: "turn on the light" means the one there."""
    confirm: Literal["", "press", "yes"] = ""
    """How a person must say yes before what `confirm_for` names is unlocked, opened or switched; "": it never is."""
    confirm_for: tuple[str, ...] = ("lock", "alarm_control_panel")
    """What needs that, named as in `allow`."""
    agent: bool = False
    """Whether the model may pass sentences to Home Assistant's own assistant, which obeys none of the above."""
