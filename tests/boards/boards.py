"""What a Pi lists with each board: the kernel's /proc/asound, and PortAudio's names.

None was taken from a board of our own: they are listings that people published, the source of each beside it.
PortAudio lists "NAME: NAME OF THE PCM (hw:N,M)" (src/hostapi/alsa/pa_linux_alsa.c, BuildDeviceList); the kernel cuts
names after 31 letters.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HDMI_AND_JACK = """\
 0 [vc4hdmi        ]: vc4-hdmi - vc4-hdmi
                      vc4-hdmi
 1 [Headphones     ]: bcm2835_headpho - bcm2835 Headphones
                      bcm2835 Headphones
"""
THEIR_PCMS = """\
00-00: MAI PCM i2s-hifi-0 : MAI PCM i2s-hifi-0 : playback 1
01-00: bcm2835 Headphones : bcm2835 Headphones : playback 8
"""
# What every Pi lists beside its cards, with channels in and out; PCMs that convert claim 128.
BESIDE = (
    ("vc4-hdmi: MAI PCM i2s-hifi-0 (hw:0,0)", 0, 2),
    ("bcm2835 Headphones: bcm2835 Headphones (hw:1,0)", 0, 8),
)
PCMS = (("sysdefault", 0, 128), ("dmix", 0, 2), ("default", 128, 128))


HUB = "1d6b:0002"
"""Every Pi has one."""


def plug_in_usb(root: Path, ids: str) -> None:
    """Write a USB device, and an interface of it, as /sys does."""
    bus = root / "sys" / "bus" / "usb" / "devices"
    number = len(list(bus.iterdir())) if bus.is_dir() else 0
    device = bus / f"1-{number}"
    device.mkdir(parents=True)
    for name, value in zip(("idVendor", "idProduct"), ids.split(":"), strict=True):
        (device / name).write_text(f"{value}\n", encoding="utf-8")
    (bus / f"1-{number}:1.0").mkdir()


def plug_in_hat(root: Path, product: str) -> None:
    """Write what the firmware makes of a HAT's EEPROM: texts with a zero at the end."""
    hat = root / "proc" / "device-tree" / "hat"
    hat.mkdir(parents=True)
    for name, value in {"product": product, "vendor": "somebody", "product_id": "0x0001"}.items():
        (hat / name).write_bytes(value.encode() + b"\0")


@dataclass(frozen=True)
class Listing:
    """A board's card as it is listed on a Pi, where it is card 2."""

    profile: str
    id: str
    driver: str
    name: str
    long_name: str
    pcm: str
    inputs: int
    outputs: int
    usb: str = ""
    """Its ids on the bus."""
    hat: str = ""
    """What its EEPROM names, where somebody has published that."""
    twins: tuple[str, ...] = ()
    """Boards that are listed in just the same way."""
    is_named: bool = True
    """Whether the names in the profile are those of this card: else only "auto" finds it."""

    def write(self, root: Path) -> Path:
        """Write /proc/asound."""
        card = f" 2 [{self.id:<15}]: {self.driver} - {self.name}\n                      {self.long_name}\n"
        abilities = " : playback 1" * bool(self.outputs) + " : capture 1" * bool(self.inputs)
        (root / "cards").write_text(HDMI_AND_JACK + card, encoding="utf-8")
        (root / "pcm").write_text(f"{THEIR_PCMS}02-00: {self.pcm} : {self.pcm}{abilities}\n", encoding="utf-8")
        return root

    def plug_in(self, root: Path) -> Path:
        """Write all that tells of the board on a machine whose files begin at `root`."""
        asound = root / "proc" / "asound"
        asound.mkdir(parents=True)
        self.write(asound)
        plug_in_usb(root, HUB)
        if self.usb:
            plug_in_usb(root, self.usb)
        if self.hat:
            plug_in_hat(root, self.hat)
        return root

    @property
    def portaudio(self) -> tuple[tuple[str, int, int], ...]:
        """Names, channels in and channels out."""
        return (*BESIDE, (f"{self.name}: {self.pcm} (hw:2,0)", self.inputs, self.outputs), *PCMS)


WM8960_PCM = "bcm2835-i2s-wm8960-hifi wm8960-hifi-0"
LISTINGS = (
    # respeaker/seeed-voicecard, README: aplay -l and arecord -l; /proc/asound/cards of its users.
    Listing(
        "respeaker_2mic_v1",
        *("seeed2micvoicec", "seeed-2mic-voic", "seeed-2mic-voicecard", "seeed-2mic-voicecard", WM8960_PCM, 2, 2),
        twins=("adafruit_voice_bonnet",),
    ),
    # The same board with the overlay respeaker-2mic-v1_0 for the kernel's own wm8960 driver: aplay -l of its users.
    Listing(
        "respeaker_2mic_v1",
        *("seeed2micvoicec", "simple-card", "seeed2micvoicec", "seeed2micvoicec", WM8960_PCM, 2, 2),
        twins=("adafruit_voice_bonnet",),
    ),
    # Seeed-Studio/seeed-linux-dtoverlays, overlays/rpi/respeaker-2mic-v2_0-overlay.dts (simple-audio-card,name), and
    # aplay -l in Seeed's wiki, there of a Pi 5.
    Listing(
        "respeaker_2mic_v2",
        *("seeed2micvoicec", "simple-card", "seeed2micvoicec", "seeed2micvoicec"),
        *("1f000a4000.i2s-tlv320aic3x-hifi tlv320aic3x-hifi-0", 2, 2),
    ),
    # arecord -L in Seeed's wiki, "ReSpeaker 4-Mic Array for Raspberry Pi".
    Listing(
        "respeaker_4mic",
        *("seeed4micvoicec", "seeed-4mic-voic", "seeed-4mic-voicecard", "seeed-4mic-voicecard"),
        *("bcm2835-i2s-ac10x-codec0 ac10x-codec0-0", 4, 0),
    ),
    # aplay -l in Adafruit's forum, "Voice Bonnet not playing audio" (t=197115).
    Listing(
        "adafruit_voice_bonnet",
        *("seeed2micvoicec", "seeed-2mic-voic", "seeed-2mic-voicecard", "seeed-2mic-voicecard", WM8960_PCM, 2, 2),
        twins=("respeaker_2mic_v1",),
    ),
    # /proc/asound/cards of people with Waveshare's driver, and with the kernel's overlay (simple-card).
    Listing(
        "waveshare_wm8960",
        *("wm8960soundcard", "wm8960-soundcard", "wm8960-soundcard", "wm8960-soundcard", WM8960_PCM, 2, 2),
    ),
    Listing(
        "waveshare_wm8960",
        *("wm8960soundcard", "simple-card", "wm8960-soundcard", "wm8960-soundcard", WM8960_PCM, 2, 2),
    ),
    # /proc/asound/cards in several projects' set-up notes; arecord -l in Seeed's wiki. The 6-channel firmware.
    Listing(
        "respeaker_usb_mic_array_v2",
        *("ArrayUAC10", "USB-Audio", "ReSpeaker 4 Mic Array (UAC1.0)"),
        *("SEEED ReSpeaker 4 Mic Array (UAC1.0) at usb-0000:01:00.0-1.2, full speed", "USB Audio", 6, 2),
        usb="2886:0018",
    ),
    # /proc/asound/cards of its users.
    Listing(
        "respeaker_xvf3800",
        *("Array", "USB-Audio", "reSpeaker XVF3800 4-Mic Array"),
        *("Seeed Studio reSpeaker XVF3800 4-Mic Array at usb-xhci-hcd.0-1, high speed", "USB Audio", 2, 2),
        usb="2886:001a",
    ),
    # arecord -l of people with the USB firmware; the long name is of the usual form of snd-usb-audio.
    Listing(
        "respeaker_lite",
        *("Lite", "USB-Audio", "ReSpeaker Lite"),
        *("Seeed Studio ReSpeaker Lite at usb-0000:01:00.0-1.3, high speed", "USB Audio", 2, 2),
        usb="2886:0019",
    ),
    # /proc/asound/cards and arecord -l of people with the overlay googlevoicehat-soundcard.
    Listing(
        "aiy_voice_hat_v1",
        *("sndrpigooglevoi", "RPi-simple", "snd_rpi_googlevoicehat_soundcar", "snd_rpi_googlevoicehat_soundcard"),
        *("Google voiceHAT SoundCard HiFi voicehat-hifi-0", 2, 2),
        twins=("i2s_mic_amp",),
    ),
    # arecord -l and aplay -l of people who wired INMP441 and MAX98357A and took that overlay.
    Listing(
        "i2s_mic_amp",
        *("sndrpigooglevoi", "RPi-simple", "snd_rpi_googlevoicehat_soundcar", "snd_rpi_googlevoicehat_soundcard"),
        *("Google voiceHAT SoundCard HiFi voicehat-hifi-0", 2, 2),
        twins=("aiy_voice_hat_v1",),
    ),
    # /proc/asound/cards and aplay -l of people with the overlay rpi-codeczero.
    Listing(
        "codec_zero",
        *("Zero", "RPi_Codec_Zero", "RPi Codec Zero", "RPi Codec Zero"),
        *("Raspberry Pi Codec Zero HiFi da7213-hifi-0", 2, 2),
    ),
    # The older black board: arecord -l in raspberrypi/documentation, issue 3755.
    Listing(
        "codec_zero",
        *("IQaudIOCODEC", "IQaudIOCODEC", "IQaudIOCODEC", "IQaudIOCODEC"),
        *("IQaudIO CODEC HiFi v1.2 da7213-hifi-0", 2, 2),
        hat="Pi-CodecZero",
        is_named=False,
    ),
    # arecord -l of a Jabra 410: "card 2: USB [Jabra SPEAK 410 USB]"; the long name from its USB descriptor.
    Listing(
        "usb_speakerphone",
        *("USB", "USB-Audio", "Jabra SPEAK 410 USB"),
        *("GN Netcom A/S Jabra SPEAK 410 USB at usb-0000:01:00.0-1.4, full speed", "USB Audio", 1, 2),
        usb="0b0e:0412",
    ),
    # PortAudio's list of somebody: "Anker PowerConf S330: USB Audio (hw:2,0)"; the id is of the usual form.
    Listing(
        "usb_speakerphone",
        *("S330", "USB-Audio", "Anker PowerConf S330"),
        *("Anker Anker PowerConf S330 at usb-0000:01:00.0-1.4, full speed", "USB Audio", 2, 2),
    ),
)
