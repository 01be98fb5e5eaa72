"""Reports detections and near misses: as a fact, as a line in the log and, where configured, as a clip."""

from __future__ import annotations

from collections.abc import Mapping

from device.core.events import WakeWordDetected
from device.ports.facts import Post
from device.ports.wake import Detection, NearMiss
from device.wake.clips import ClipKeeper
from device.wake.nearmisses import NearMisses


class WakeReport:
    """Its methods are the callbacks of the worker."""

    clips: ClipKeeper | None = None
    """Saves the sound around detections and near misses; None: it is not saved."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._near_misses = NearMisses()

    @property
    def near_misses(self) -> Mapping[str, int]:
        """How many there were of each word, since the start."""
        return self._near_misses.counts

    def on_detection(self, heard: Detection) -> None:
        """Post the detection, and save the sound around it."""
        self._post(WakeWordDetected(heard.word, heard.score, heard.end))
        if self.clips:
            self.clips.keep_detection(heard)

    def on_near_miss(self, miss: NearMiss) -> None:
        """Log the near miss, and save the sound around it."""
        self._near_misses.note(miss)
        if self.clips:
            self.clips.keep_near_miss(miss)
