"""A USB bus in memory with microphone arrays: a backend for pyusb that simulates single control transfers.

As a real chip does, it stalls every transfer that it does not know, and records it in `refused`. So a wrong request
type, value, index or length is noticed, and nothing but lights can be written to a chip.
"""

from __future__ import annotations

import errno
import math
import struct
from collections.abc import MutableSequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Protocol

_WRITE = 0x40
_RETRY = 64
_LED_EFFECT_DOA = 4


@dataclass(frozen=True, slots=True)
class Transfer:
    """A setup packet of a control transfer."""

    request_type: int
    request: int
    value: int
    index: int
    length: int


class FakeArray(Protocol):
    """A microphone array on the bus."""

    vendor: int
    product: int

    def answer(self, transfer: Transfer) -> bytes | None:
        """Return the chip's data; None when it does not know the transfer."""

    def take(self, transfer: Transfer, data: bytes) -> bool:
        """Take the data; False when it does not know the transfer."""


@dataclass
class FakeXvf3000:
    """ReSpeaker USB Mic Array v2. Answers VOICEACTIVITY as two little-endian int32: the flag and an exponent."""

    voice: bool = False
    direction: int = 90
    ring: bytes = b""
    """Red, green, blue and 0 of each LED, as they were written last."""
    brightness: int = 8
    centre_led: int = 2
    vendor: int = field(default=0x2886, init=False)
    product: int = field(default=0x0018, init=False)

    def answer(self, transfer: Transfer) -> bytes | None:
        """Answer the transfers that read VOICEACTIVITY and DOAANGLE."""
        match transfer:
            case Transfer(0xC0, 0, 0xE0, 19, 8):
                return struct.pack("<ii", self.voice, 0)
            case Transfer(0xC0, 0, 0xC0, 21, 8):
                return struct.pack("<ii", self.direction, 0)
        return None

    def take(self, transfer: Transfer, data: bytes) -> bool:
        """Take what is written to the LEDs."""
        match transfer:
            case Transfer(0x40, 0, 6, 0x1C, 48):
                self.ring = data
            case Transfer(0x40, 0, 0x20, 0x1C, 1):
                self.brightness = data[0]
            case Transfer(0x40, 0, 0x22, 0x1C, 1):
                self.centre_led = data[0]
            case _:
                return False
        return True


@dataclass
class FakeXvf3800:
    """ReSpeaker XVF3800: a status byte before each answer, and the differences between its firmware versions."""

    firmware: tuple[int, int, int] = (2, 0, 10)
    voice: bool = False
    busy: int = 0
    """How many of the next transfers are answered "try again"."""
    status: int = 0
    """Status byte of all other transfers; anything but 0 is an error."""
    led_effect: int = 0
    muted: bool = False
    """Whether its key has muted it: it toggles one of its output pins."""
    direction: int = 90
    ring: bytes = b""
    """A little-endian uint32 of each LED, as they were written last."""
    vendor: int = field(default=0x2886, init=False)
    product: int = field(default=0x001A, init=False)
    _stale_voice: bool = field(default=False, init=False)

    def answer(self, transfer: Transfer) -> bytes | None:
        """Answer reads of VERSION, DOA_VALUE (since 2.0.6), AEC_SPENERGY_VALUES and GPO_READ_VALUES."""
        payload = self._payload(transfer)
        if payload is None:
            return None
        if self.busy > 0:
            self.busy -= 1
            return bytes([_RETRY]) + bytes(len(payload))
        return bytes([self.status]) + payload

    def take(self, transfer: Transfer, data: bytes) -> bool:
        """Take LED_EFFECT, and LED_RING_COLOR where the firmware has it."""
        has_ring = self.firmware >= (2, 0, 7)
        match transfer:
            case Transfer(0x40, 0, 12, 20, 1) if data[0] <= 4 or (data[0] == 5 and has_ring):
                self.led_effect = data[0]
            case Transfer(0x40, 0, 19, 20, 48) if has_ring:
                self.ring = data
            case _:
                return False
        return True

    def _payload(self, transfer: Transfer) -> bytes | None:
        match transfer:
            case Transfer(0xC0, 0, 0x80, 48, 4):
                return bytes(self.firmware)
            case Transfer(0xC0, 0, 0x92, 20, 5) if self.firmware >= (2, 0, 6):
                return struct.pack("<HH", self.direction, self._flag())
            case Transfer(0xC0, 0, 0x80, 20, 6):
                return bytes([0, self.muted, 0, 1, 0])
            case Transfer(0xC0, 0, 0xD0, 33, 17):
                return struct.pack("<4f", 0.0, 0.0, 0.0, 1.5e5 if self.voice else 0.0)
            case Transfer(0xC0, 0, 0xCB, 33, 17):
                return struct.pack("<4f", 0.0, 0.0, 0.0, math.radians(self.direction))
        return None

    def _flag(self) -> bool:
        # Before 2.0.10 the flag does not change unless the LEDs show the direction.
        if self.firmware >= (2, 0, 10) or self.led_effect == _LED_EFFECT_DOA:
            self._stale_voice = self.voice
        return self._stale_voice


class FakeUsbBus:
    """A pyusb backend (its methods and arguments are pyusb's) whose devices can be plugged in and pulled out."""

    def __init__(self, *devices: FakeArray) -> None:
        self._plugged = list(devices)
        self.opened = 0
        """Number of open devices."""
        self.failing: int | None = None
        """When set, every transfer fails with this errno."""
        self.refused: list[Transfer] = []
        """Transfers that no chip knew."""
        self.transfers = 0

    def plug(self, device: FakeArray) -> None:
        """Add a device to the bus."""
        self._plugged.append(device)

    def pull(self, device: FakeArray) -> None:
        """Remove a device, open or not."""
        self._plugged.remove(device)

    def enumerate_devices(self) -> list[FakeArray]:
        """See pyusb."""
        return list(self._plugged)

    def get_device_descriptor(self, device: FakeArray) -> SimpleNamespace:
        """See pyusb: a descriptor in which only vendor and product are set."""
        zeros = dict.fromkeys(_DESCRIPTOR_FIELDS, 0)
        return SimpleNamespace(**zeros, idVendor=device.vendor, idProduct=device.product)

    def open_device(self, device: FakeArray) -> FakeArray:
        """See pyusb."""
        self._refuse_if_gone(device)
        self.opened += 1
        return device

    def close_device(self, handle: FakeArray) -> None:
        """See pyusb."""
        self.opened -= 1

    def ctrl_transfer(
        self,
        handle: FakeArray,
        request_type: int,
        request: int,
        value: int,
        index: int,
        data: MutableSequence[int],
        timeout: int,
    ) -> int:
        """See pyusb: fill `data`, return the number of bytes. Raise OSError with libusb's error numbers."""
        self.transfers += 1
        self._refuse_if_gone(handle)
        if self.failing is not None:
            raise OSError(self.failing, "Input/Output Error" if self.failing == errno.EIO else "failed")
        transfer = Transfer(request_type, request, value, index, len(data))
        if request_type == _WRITE:
            return self._write(handle, transfer, bytes(data))
        answer = handle.answer(transfer)
        if answer is None:
            raise self._stall(transfer)
        data[: len(answer)] = type(data)("B", answer)  # type: ignore[call-arg]  # pyusb's buffers are array.array
        return len(answer)

    def _write(self, handle: FakeArray, transfer: Transfer, data: bytes) -> int:
        if not handle.take(transfer, data):
            raise self._stall(transfer)
        return len(data)

    def _stall(self, transfer: Transfer) -> OSError:
        self.refused.append(transfer)
        return OSError(errno.EPIPE, "Pipe error")

    def _refuse_if_gone(self, device: FakeArray) -> None:
        if device not in self._plugged:
            raise OSError(errno.ENODEV, "No such device (it may have been disconnected)")


_DESCRIPTOR_FIELDS = (
    *("bLength", "bDescriptorType", "bcdUSB", "bDeviceClass", "bDeviceSubClass", "bDeviceProtocol"),
    *("bMaxPacketSize0", "bcdDevice", "iManufacturer", "iProduct", "iSerialNumber", "bNumConfigurations"),
    *("address", "bus", "port_number", "port_numbers", "speed"),
)
