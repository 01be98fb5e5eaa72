"""The real Home Assistant, with its integration `demo`: a Debian with the Python that it needs, and its wheels.

Made once and kept, as other roots are; each run has a copy of a configuration in which somebody has already set it up.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.system.roots import kept, trust_the_same
from tests.tools.homeassistant.owner import Owner, owner_of
from tests.tools.homeassistant.process import HomeProcess

VERSION = "2026.11.0"
"""The newest on 2026-11-29. It wants Python 3.14.2; Debian 13 has 3.13, and the release after it 3.14.8."""
SUITE = "forky"
_PACKAGES = ("ca-certificates", "python3", "python3-venv", "libpcap0.8t64", "libturbojpeg0", "tzdata")
_LIMIT_S = 1800.0
_ENVIRONMENT = (
    *("HOME=/root", "LANG=C.UTF-8", "PATH=/srv/venv/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TZ=UTC"),
    # pip and uv would trust their own authorities only.
    *("PIP_CERT=/etc/ssl/certs/ca-certificates.crt", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"),
    "PYTHONDONTWRITEBYTECODE=1",
)
_CONFIGURATION = """\
# Without `default_config`: it must not look for devices in the network of whoever runs the tests.
demo:
conversation:
onboarding:
api:
config:
input_boolean:
script:
  good_night:
    alias: Good night
    sequence:
      - action: light.turn_off
        target:
          entity_id: light.bed_light
scene:
  - name: Movie night
    entities:
      light.bed_light:
        state: "on"
        brightness: 50
"""
_TOKENS = "tokens.json"
_PASSWORD = "of-a-house-that-does-not-exist"


def root() -> Path:
    """Return a root in which it is installed, at /srv/venv, with a configuration at /srv/template. Takes minutes the
    first time."""
    recipe = "\n".join(
        (VERSION, SUITE, *_PACKAGES, _CONFIGURATION, *map(inspect.getsource, (_make, _set_up, _move_in)))
    )
    return kept(f"homeassistant-{hashlib.sha256(recipe.encode()).hexdigest()[:8]}", _make)


class RealHome(HomeProcess):
    """Runs it. `folder` is for its configuration, and what it writes there."""

    def __init__(self, folder: Path, installed: Path | None = None) -> None:
        folder.mkdir(exist_ok=True)
        super().__init__(folder / "log")
        self._root = installed or root()
        self.folder = folder
        template = self._root / "srv/template"
        if template.exists():
            shutil.copytree(template, folder, dirs_exist_ok=True)
        (folder / "configuration.yaml").write_text(_CONFIGURATION)
        (folder / ".storage").mkdir(exist_ok=True)

    def start(self) -> None:
        """Start it, and do not wait."""
        # Where its page is, it takes from here; what a file says is tried for once only, until somebody confirms it.
        (self.folder / ".storage/http").write_text(json.dumps(_page_at(self.port)))
        super().start()

    @property
    def token(self) -> str:
        """An administrator's."""
        return self._tokens()["owner"]

    @property
    def guest_token(self) -> str:
        """Of somebody who is no administrator."""
        return self._tokens()["guest"]

    def command(self) -> Sequence[str]:
        """Return what starts it, as the process itself: in the root, with its configuration at /srv/config."""
        # What it needs was installed when the root was made; what could not be, the tests do not use.
        return _inside(self._root, "python -m homeassistant --skip-pip -c /srv/config", self.folder)

    def _tokens(self) -> dict[str, str]:
        tokens: dict[str, str] = json.loads((self.folder / _TOKENS).read_text())
        return tokens


class _NewHome(RealHome):
    """One that nobody has set up: installs what its integrations need."""

    def command(self) -> Sequence[str]:
        return _inside(self._root, "python -m homeassistant -c /srv/config", self.folder)


def _inside(installed: Path, command: str, config: Path | None = None) -> list[str]:
    """Return what runs a command in the root; whatever becomes of this process, it does not stay."""
    binds = [f"mount --rbind /{name} '{installed}/{name}'" for name in ("proc", "dev")]
    if config is not None:
        binds.append(f"mount --bind '{config}' '{installed}/srv/config'")
    entered = f"exec chroot '{installed}' env --ignore-environment {' '.join(_ENVIRONMENT)} {command}"
    # It stays one process, from here to Home Assistant: what this one is sent, it gets.
    return ["setpriv", "--pdeathsig=KILL", "unshare", "--mount", "sh", "-ec", "\n".join([*binds, entered])]


def _page_at(port: int) -> dict[str, Any]:
    """Return its own file about its page. It would listen to the whole network else."""
    stable = {
        "server_host": ["127.0.0.1"],
        "server_port": port,
        "cors_allowed_origins": [],
        "login_attempts_threshold": -1,
        "ip_ban_enabled": True,
        "ssl_profile": "intermediate_v6",
        "use_x_frame_options": True,
        "created_at": "2026-11-29T00:00:00+00:00",
        "error": None,
        "error_message": None,
    }
    data = {"stable": stable, "pending": None, "yaml_migration_done": True}
    return {"version": 3, "minor_version": 1, "key": "http", "data": data}


def _make(folder: Path) -> None:
    # debootstrap has a script for each release, and they are all the same; this one has always been there.
    script = "/usr/share/debootstrap/scripts/sid"
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={','.join(_PACKAGES)}", SUITE, folder, "", script], check=True
    )
    trust_the_same(folder)
    shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
    shutil.copy("/etc/hosts", folder / "etc/hosts")
    for name in ("config", "template"):
        (folder / "srv" / name).mkdir()
    for step in (
        "update-ca-certificates",
        "apt-get clean",
        "python3 -m venv /srv/venv",
        "pip install --quiet --disable-pip-version-check uv",
        # The versions that it is released with; and pip would look for half an hour which ones fit.
        f"uv pip install --quiet --no-deps --target /srv/wheel homeassistant=={VERSION}",
        "uv pip install --quiet --compile-bytecode --constraint /srv/wheel/homeassistant/package_constraints.txt "
        f"homeassistant=={VERSION}",
        "rm -rf /srv/wheel",
    ):
        subprocess.run(_inside(folder, step), check=True, timeout=_LIMIT_S)
    _set_up(folder)


def _set_up(folder: Path) -> None:
    """Let it install what its integrations need, and set a house up as its page would."""
    config = folder / "srv/first"
    with ThreadPoolExecutor(1) as pool, _NewHome(config, folder) as home:
        # In a thread of its own: whoever asks first for this root may already run an event loop in this one.
        pool.submit(asyncio.run, _move_in(home, config)).result()
        # It writes what it knows when it ends.
        home.terminate()
        home.start()
    subprocess.run(_inside(folder, "uv cache clean --quiet"), check=True, timeout=_LIMIT_S)
    for written in config.glob("*log*"):
        written.unlink()
    (folder / "srv/template").rmdir()
    config.rename(folder / "srv/template")


async def _move_in(home: HomeProcess, config: Path) -> None:
    page = f"{home.url}/"
    person = {"name": "Owner", "username": "owner", "password": _PASSWORD, "language": "en"}
    told = await asyncio.to_thread(_post, f"{page}api/onboarding/users", {"client_id": page, **person})
    async with owner_of(home.url, await asyncio.to_thread(_short_token, page, told["auth_code"])) as owner:
        while (await owner.command("get_config"))["state"] != "RUNNING":
            await asyncio.sleep(0.1)
        tokens = {"owner": await _long_token(owner)}
        guest = await owner.command("config/auth/create", name="Guest", group_ids=["system-users"])
        name = {"username": "guest", "password": _PASSWORD}
        await owner.command("config/auth_provider/homeassistant/create", user_id=guest["user"]["id"], **name)
        code = await asyncio.to_thread(_log_in, page, name)
        async with owner_of(home.url, await asyncio.to_thread(_short_token, page, code)) as visitor:
            tokens["guest"] = await _long_token(visitor)
    (config / _TOKENS).write_text(json.dumps(tokens))


async def _long_token(owner: Owner) -> str:
    token: str = await owner.command("auth/long_lived_access_token", client_name="Hearthside", lifespan=3650)
    return token


def _log_in(page: str, name: dict[str, str]) -> str:
    """Return the code that a person gets who gives a name and a password."""
    about = {"client_id": page, "handler": ["homeassistant", None], "redirect_uri": page}
    flow = _post(f"{page}auth/login_flow", about)["flow_id"]
    code: str = _post(f"{page}auth/login_flow/{flow}", {"client_id": page, **name})["result"]
    return code


def _short_token(page: str, code: str) -> str:
    form = urllib.parse.urlencode({"grant_type": "authorization_code", "code": code, "client_id": page})
    token: str = _sent(urllib.request.Request(f"{page}auth/token", form.encode()))["access_token"]
    return token


def _post(address: str, body: dict[str, Any]) -> Any:
    headers = {"Content-Type": "application/json"}
    return _sent(urllib.request.Request(address, json.dumps(body).encode(), headers))


def _sent(request: urllib.request.Request) -> Any:
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)
