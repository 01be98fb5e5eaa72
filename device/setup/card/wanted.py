"""What a person wants of a card. Whatever is wrong is said before anything is written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from device.errors import ConfigError
from device.setup.card.hashes import wifi_key

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_USER = re.compile(r"[a-z][a-z0-9_-]{0,30}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")
_PROFILE = re.compile(r"[a-z0-9_]+")
_PUBLIC_KEY = re.compile(r"(ssh-|ecdsa-|sk-)[\w@.-]+ [A-Za-z0-9+/=]+( .*)?")
# As conversation.openai.broker has it.
_BROKER = re.compile(r"https://[^\s/?#@]+/?")
_TOKEN = re.compile(r"hse_\w+", re.ASCII)
_SECRET = re.compile(r"[!-~]+")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_API_KEY = re.compile(r"\b(sk|ek|rk)-[\w-]{16,}")
# Root and the services of Debian have lower numbers than people; these names are the ones that somebody may try.
_TAKEN = ("root", "daemon", "bin", "sys", "nobody", "hearthside")


@dataclass(frozen=True)
class Wifi:
    """A Wi-Fi. Without a passphrase it is open; `only_wpa3`: it refuses WPA2, so the passphrase itself is needed."""

    ssid: str
    passphrase: str = field(default="", repr=False)
    hidden: bool = False
    only_wpa3: bool = False

    def __post_init__(self) -> None:
        """Raise ConfigError."""
        size = len(_bytes(self.ssid, "the name of the Wi-Fi"))
        if not 1 <= size <= 32:
            raise ConfigError(f"the name of the Wi-Fi has {size} bytes; it must have 1 to 32")
        secret = len(_bytes(self.passphrase, "the passphrase of the Wi-Fi"))
        if self.passphrase and not 8 <= secret <= 63:
            raise ConfigError("the passphrase of the Wi-Fi must have 8 to 63 characters")
        if self.only_wpa3 and not self.passphrase:
            raise ConfigError("a Wi-Fi with WPA3 has a passphrase; give it")

    @property
    def secret(self) -> str:
        """What stands on the card: the key, of which nobody makes the passphrase again; with WPA3 the passphrase."""
        if not self.passphrase or self.only_wpa3:
            return self.passphrase
        return wifi_key(self.ssid.encode(), self.passphrase)


@dataclass(frozen=True)
class Person:
    """Who may log in: with a password, of which the hash is here, with SSH keys, or with both."""

    name: str
    password_hash: str = field(default="", repr=False)
    ssh_keys: tuple[str, ...] = ()
    ssh: bool = False

    def __post_init__(self) -> None:
        """Raise ConfigError."""
        if not _USER.fullmatch(self.name) or self.name in _TAKEN:
            raise ConfigError(
                f'"{self.name}" cannot be the user: a name has small letters, digits, - and _, begins with a letter, '
                "and is not one of the system's"
            )
        if not self.password_hash and not self.ssh_keys:
            raise ConfigError("nobody could log in: give --ssh-key, a password, or both")
        for key in self.ssh_keys:
            if not _PUBLIC_KEY.fullmatch(key) or not key.isprintable():
                raise ConfigError("this is not a public SSH key; give the file that ends in .pub")


@dataclass(frozen=True)
class Hearthside:
    """What the installation of Hearthside needs: all of it is optional."""

    profile: str = ""
    config: str = field(default="", repr=False)
    broker: str = ""
    broker_ca: str = field(default="", repr=False)
    enrolment_token: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)
    bundle: str = ""
    """The name of the file with the release,"""
    source: str = ""
    """or from where to get it: a bundle, another archive, or a git repository,"""
    sha256: str = ""
    """and the sum of the bundle or archive,"""
    commit: str = ""
    """or the whole name of the commit in the repository."""

    def __post_init__(self) -> None:
        """Raise ConfigError."""
        if self.profile and not _PROFILE.fullmatch(self.profile):
            raise ConfigError(f'"{self.profile}" is not the name of a board')
        if self.broker and not _BROKER.fullmatch(self.broker):
            raise ConfigError("the broker's address must be https:// with a host, such as https://broker.local:8788")
        if not self.broker and (self.broker_ca or self.enrolment_token):
            raise ConfigError("whose certificate or token is it? give the broker's address as well, by --broker")
        if self.enrolment_token and not _TOKEN.fullmatch(self.enrolment_token.strip()):
            raise ConfigError("this is no enrolment token (hse_...); hearthside broker token makes one")
        if self.api_key and not _SECRET.fullmatch(self.api_key.strip()):
            raise ConfigError("this is no API key: a key is one word of plain letters, digits and signs")
        if _API_KEY.search(self.config):
            raise ConfigError("the configuration holds what looks like an API key; take it out: a card is not safe")
        if self.bundle and self.source:
            raise ConfigError("give a bundle or a source, not both")
        self._check_source()

    def _check_source(self) -> None:
        """Raise ConfigError for a source that could give another release than the one that is meant."""
        known_by = [value for value in (self.sha256, self.commit) if value]
        if len(known_by) != bool(self.source):
            raise ConfigError(
                "a source is given together with what its release is known by, since it runs as root: --sha256 SUM "
                "for a bundle or another archive, or --commit NAME for a git repository"
            )
        if self.sha256 and not _SHA256.fullmatch(self.sha256):
            raise ConfigError(f'"{self.sha256}" is no SHA-256: that has 64 digits; sha256sum FILE tells it')
        if self.commit and not _COMMIT.fullmatch(self.commit):
            raise ConfigError(
                f'"{self.commit}" is not the whole name of a commit, which has 40 digits: a branch or a tag may lead '
                f"elsewhere tomorrow; git ls-remote {self.source} tells the commits"
            )

    @property
    def wanted(self) -> bool:
        """Whether there is anything to install or to set."""
        return self != Hearthside()


@dataclass(frozen=True)
class Card:
    """A whole card."""

    host: str
    person: Person
    instance: str
    """Names this preparation: cloud-init does its work once for each."""
    wifi: Wifi | None = None
    country: str = ""
    time_zone: str = ""
    hearthside: Hearthside = Hearthside()

    def __post_init__(self) -> None:
        """Raise ConfigError."""
        if not _HOST.fullmatch(self.host):
            raise ConfigError(f'"{self.host}" cannot be a host name: letters, digits and - make one, up to 63 of them')
        if self.country and not _COUNTRY.fullmatch(self.country):
            raise ConfigError(f'"{self.country}" is not a country: two capital letters, such as DE or US')
        if self.wifi is not None and not self.country:
            raise ConfigError("a Wi-Fi needs the country, for its radio: give --country, such as --country DE")
        if self.time_zone and not _ZONE.fullmatch(self.time_zone):
            raise ConfigError(f'"{self.time_zone}" is not a time zone; it looks like Europe/Berlin')


def _bytes(text: str, what: str) -> bytes:
    """Return it as UTF-8. Raise ConfigError for what no keyboard writes."""
    if any(ord(letter) < 32 or ord(letter) == 127 or 0xD800 <= ord(letter) < 0xE000 for letter in text):
        raise ConfigError(f"{what} holds a character that nobody can type; correct it")
    return text.encode()
