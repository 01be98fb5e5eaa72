"""The wing of who answers."""

from __future__ import annotations

from collections.abc import Callable

from device.conversation.settings import Conversation as Talk
from device.house.catalogue import provider_of
from device.house.site import Site
from device.ports.conversation import Conversation, Persona
from device.ports.provider import Ends
from device.ports.tools import ToolSpec


def open_conversation(site: Site, tools: Callable[[], tuple[ToolSpec, ...]]) -> Conversation:
    """Return the conversation; nothing is connected yet. `tools` is asked for every session. Raise ConfigError."""
    provider, controller = provider_of(site.settings), site.controller
    settings = site.settings.of(provider.table)
    # Those that are not there are the optional ones.
    names = (*provider.secrets, *provider.optional(settings))
    ends = Ends(
        instructions=site.settings.conversation.instructions,
        tools=tools,
        secrets={name: site.secrets[name] for name in names if name in site.secrets},
        state_dir=site.state_dir,
        post=controller.post,
        on_audio=controller.on_answer_audio,
        on_audio_end=controller.on_answer_item_end,
        on_usage=site.ledger.note,
        personas=_personas(site.settings.conversation),
    )
    conversation: Conversation = provider.open(settings, ends)
    site.closing.add("conversation", conversation.aclose)
    return conversation


def _personas(talk: Talk) -> dict[str, Persona]:
    return {name: Persona(one.instructions or talk.instructions, one.voice) for name, one in talk.personas.items()}
