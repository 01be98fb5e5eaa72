"""The wing of what is heard of the house: the sound cards, the loudspeaker, the volume, and the echo of it all."""

from __future__ import annotations

from dataclasses import dataclass

from device.audio.cards.filling.depth import first_need
from device.audio.cards.filling.depths import Depths
from device.audio.cards.portaudio import SoundCards
from device.audio.cards.speaker import AlsaSpeaker
from device.audio.echo.canceller import EchoRemover, NullCanceller
from device.audio.echo.farend import FarEnd
from device.audio.echo.loading import LateLoader
from device.audio.keptvolume import KeptVolume
from device.audio.mouth.player import Player
from device.audio.routing import RoutingMemory, set_up
from device.audio.volume import Volume
from device.house.policy import hears_through_echo, stop_words, stops_answers
from device.house.site import Site
from device.kit.yardstick import python_ms
from device.ports.facts import Observer
from device.ports.sound import Speaker
from device.units import Hz


@dataclass(frozen=True)
class Sound:
    """What plays, and what knows of it."""

    player: Player
    speaker: Speaker
    volume: Volume
    far_end: FarEnd
    canceller: EchoRemover
    loader: LateLoader | None
    """Of the canceller; None where it does nothing."""
    observers: tuple[Observer, ...]
    """Who must be told of every fact and order."""


def open_cards(site: Site) -> SoundCards:
    """Return the sound cards, none of which is looked for yet."""
    cards = SoundCards(site.settings.audio, site.controller.post)
    site.closing.add("sound cards", cards.close)
    return cards


def open_sound(site: Site, cards: SoundCards, rate: Hz) -> Sound:
    """Build the way to the loudspeaker for answers at `rate`; the volume is still to be started."""
    far_end = FarEnd(rate)
    depths = Depths(site.state_dir / "loudspeakers.json", site.loading.post, first_need(python_ms()))
    speaker = AlsaSpeaker(cards, rate, depths)
    audio = site.settings.audio
    player = Player(speaker, rate, site.controller.post, observer=far_end, peak=audio.peak)
    player.set_least_ring(audio.alarm_floor)
    site.closing.add("player", player.close)
    loader = _choose_canceller(site, far_end)
    canceller = NullCanceller() if loader is None else loader.worker
    # The software gain is a part of what is known to be played; the mixer is not.
    kept = KeptVolume(site.state_dir / "volume.json", site.loading.call)
    volume = Volume(audio, player.set_volume, on_mixed=canceller.distrust, kept=kept)
    site.closing.add("volume", volume.close)
    _keep_quiet_hours(site)
    observers = [volume.observe, *_duck_others(site)] + ([] if loader is None else [loader.observe])
    return Sound(player, speaker, volume, far_end, canceller, loader, tuple(observers))


async def set_up_card(site: Site) -> None:
    """Route a codec that starts silent; before its volume is looked for."""
    if site.settings.audio.controls:
        await set_up(site.settings.audio, RoutingMemory(site.state_dir / "mixer.json", site.loading.post))


def _choose_canceller(site: Site, far_end: FarEnd) -> LateLoader | None:
    """Return who loads WebRTC's, where voice barge-in or stop words need it."""
    settings = site.settings
    words, over_answers = stop_words(settings), stops_answers(settings)
    is_needed = settings.conversation.barge_in == "voice" or words
    if not is_needed or settings.audio.echo_cancelled or not hears_through_echo(settings):
        return None
    return LateLoader(far_end, site.controller.post, site.loading, only_rings=not over_answers)


def _keep_quiet_hours(site: Site) -> None:
    """Watch the clock, where there are such hours."""
    if not site.settings.audio.quiet_hours:
        return
    # Late: only who has such hours loads what looks at the clock.
    from device.audio.quiet import QuietWatch
    from device.core import quiethours

    watch = QuietWatch(quiethours.parse(site.settings.audio.quiet_hours), site.controller.post)
    watch.start()
    site.closing.add("quiet hours", watch.close)


def _duck_others(site: Site) -> tuple[Observer, ...]:
    """Return who makes another player quieter, where there are commands for that."""
    if not site.settings.audio.others.duck:
        return ()
    # Late: only who has another player loads what starts commands.
    from device.audio.others import NeighbourDucker

    ducker = NeighbourDucker(site.settings.audio.others, site.state_dir / "others-ducked")
    ducker.start()
    site.closing.add("other players", ducker.close)
    return (ducker.observe,)
