"""What becomes of what an engine has heard: a fact, a line in the log and, where that is asked for, a clip."""

from __future__ import annotations

from device.core.events import WakeWordDetected
from device.ports.facts import Post
from device.ports.wake import Detection, NearMiss
from device.wake.clips import ClipKeeper
from device.wake.nearmisses import NearMisses


class WakeReport:
    """Takes detections and near misses from the worker."""

    clips: ClipKeeper | None = None
    """Who keeps the sound around them."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._near_misses = NearMisses()

    def on_detection(self, heard: Detection) -> None:
        """Post it; keep its sound."""
        self._post(WakeWordDetected(heard.word, heard.score, heard.end))
        if self.clips:
            self.clips.keep_detection(heard)

    def on_near_miss(self, miss: NearMiss) -> None:
        """Note it; keep its sound."""
        self._near_misses.note(miss)
        if self.clips:
            self.clips.keep_near_miss(miss)
