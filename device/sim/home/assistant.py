"""The conversation agent of a simulated home: understands a few sentences, and answers as Home Assistant's own does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from device.sim.home.homeassistant import SimulatedHome

_SWITCHING = re.compile(r"turn (on|off) the (.+)")


def process(home: SimulatedHome, text: str) -> dict[str, Any]:
    """Do what a sentence asks for; return the result of `conversation/process`."""
    home.said.append(text)
    if (own := home.sentences.get(text)) is not None:
        return _spoken("action_done", own, {"success": [], "failed": []})
    found = _SWITCHING.fullmatch(text.casefold().strip(" .!"))
    if found is None:
        return _spoken("error", "Sorry, I couldn't understand that", {"code": "no_intent_match"})
    wanted, name = found.groups()
    for key, entity in home.entities.items():
        names = (entity.friendly_name, *entity.aliases)
        if entity.exposed and name in (one.casefold() for one in names):
            home.call(key.partition(".")[0], f"turn_{wanted}", {}, (key,))
            return _spoken("action_done", f"Turned {wanted} the {key.partition('.')[0]}", {"success": [{"id": key}]})
    return _spoken("error", f"Sorry, I am not aware of any device called {name}", {"code": "no_valid_targets"})


def _spoken(kind: str, words: str, data: dict[str, Any]) -> dict[str, Any]:
    speech = {"plain": {"speech": words, "extra_data": None}}
    return {
        "response": {"speech": speech, "card": {}, "language": "en", "response_type": kind, "data": data},
        "conversation_id": "x",
        "continue_conversation": False,
    }
