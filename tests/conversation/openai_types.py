"""Checks Realtime events against the types that the `openai` package publishes.

The package's own models let extra fields pass and its parser does not validate; here both are strict.
"""

from __future__ import annotations

from typing import Any, get_args

from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import BaseModel


def _by_type(union: Any) -> dict[str, type[BaseModel]]:
    return {get_args(kind.model_fields["type"].annotation)[0]: kind for kind in get_args(get_args(union)[0])}


CLIENT = _by_type(RealtimeClientEvent)
SERVER = _by_type(RealtimeServerEvent)


def check_client_event(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event when the API would take it; raise ValueError for a wrong, missing or unknown field."""
    model = _validated(CLIENT, event)
    if extra := _extra_fields(model, "$"):
        raise ValueError(f"{event['type']} has fields the API does not know: {extra}")
    return event


def check_server_event(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event when the API could send it; extra fields pass, for real servers send some."""
    _validated(SERVER, event)
    return event


def _validated(models: dict[str, type[BaseModel]], event: dict[str, Any]) -> BaseModel:
    if event.get("type") not in models:
        raise ValueError(f"no such event: {event.get('type')}")
    return models[event["type"]].model_validate(event, strict=True)


def _extra_fields(value: Any, path: str) -> list[str]:
    if isinstance(value, BaseModel):
        extra = [f"{path}.{name}" for name in value.model_extra or {}]
        below = [_extra_fields(getattr(value, name), f"{path}.{name}") for name in type(value).model_fields]
        return extra + [name for names in below for name in names]
    if isinstance(value, list | tuple):
        return [name for at, part in enumerate(value) for name in _extra_fields(part, f"{path}[{at}]")]
    if isinstance(value, dict):
        return [name for key, part in value.items() for name in _extra_fields(part, f"{path}.{key}")]
    return []
