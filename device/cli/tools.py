"""hearthside tools: what the model can call; run a tool by hand; check the file of a tool of one's own."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from device.control import client
from device.errors import ConfigError

PATIENCE_S = 310.0
"""A tool may take 300 s."""


def add_to(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = commands.add_parser(
        "tools", help="list the tools that the model can call; call one, or check a file of your own"
    )
    parser.add_argument("--json", action="store_true", help="for programs: with the schema of each tool's arguments")
    parser.set_defaults(command=_list)
    orders = parser.add_subparsers(metavar="ORDER")
    call = orders.add_parser("call", help="run a tool of the Hearthside that runs here, as the model would")
    call.add_argument("name", metavar="NAME")
    call.add_argument("arguments", nargs="?", default="{}", metavar="JSON", help="its arguments, e.g. '{\"on\": true}'")
    call.set_defaults(command=_call)
    check = orders.add_parser("check", help="say what is wrong with files of tools of your own, and run nothing")
    check.add_argument("files", nargs="+", type=Path, metavar="FILE")
    check.set_defaults(command=_check)


def _list(options: argparse.Namespace) -> int:
    told = client.ask({"do": "tools"})
    tools = told["tools"]
    if options.json:
        print(json.dumps(tools))
        return 0
    width = max((len(tool["name"]) for tool in tools), default=0)
    for tool in tools:
        print(f"{tool['name']:{width}}  {tool['bytes']:5} bytes  {tool['description']}")
        print(f"{'':{width}}  from: {tool['from']}; arguments: {_arguments(tool['parameters'])}")
    print(f"The model is told {told['bytes']} bytes of tools, of tools.budget_bytes = {told['budget_bytes']}.")
    for what, names in (("Shortened", told["shortened"]), ("Left out", told["left_out"])):
        if names:
            print(f"{what} for want of room: {', '.join(names)}")
    if told["lacks_overview"]:
        print("For want of room the overview of the home is not complete.")
    return 0


def _arguments(parameters: dict[str, Any]) -> str:
    needed = parameters.get("required", ())
    names = parameters.get("properties", {})
    return ", ".join(name if name in needed else f"[{name}]" for name in names) or "none"


def _call(options: argparse.Namespace) -> int:
    order = {"do": "call_tool", "name": options.name, "arguments": options.arguments}
    print(client.ask(order, PATIENCE_S)["output"])
    return 0


def _check(options: argparse.Namespace) -> int:
    # Not for the other commands, which load nothing of the house.
    from device.tools.own import own

    wrong = 0
    for file in options.files:
        try:
            found = own.load(file)
        except ConfigError as error:
            wrong += 1
            print(f"{file}: {error}")
        else:
            print(f"{file}: right; the tool {found.name} runs {' '.join(found.command)}")
    return os.EX_CONFIG if wrong else 0
