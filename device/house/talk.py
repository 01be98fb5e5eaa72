"""The wing of who answers."""

from __future__ import annotations

from device.conversation.openai.session import RealtimeConversation
from device.house.configuration import OPENAI
from device.house.site import Site
from device.ports.conversation import Conversation
from device.ports.tools import ToolSpec
from device.secrets import Secret

OUTPUT_RATE = RealtimeConversation.output_rate
prepare = RealtimeConversation.prepare


def open_conversation(site: Site, key: Secret, tools: tuple[ToolSpec, ...]) -> Conversation:
    """Return the conversation; nothing is connected yet. Raise ConfigError."""
    settings, controller = site.settings, site.controller
    conversation = RealtimeConversation(
        settings.of(OPENAI),
        settings.conversation.instructions,
        key,
        tools,
        controller.post,
        controller.on_answer_audio,
        controller.on_answer_item_end,
    )
    site.closing.add("conversation", conversation.aclose)
    return conversation
