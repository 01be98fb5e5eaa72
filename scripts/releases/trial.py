"""Passing from one release to another, and back when the other one does not hear.

Every step can be the last one before the power is cut; docs/updating.md says what is left then. `settle` ends it.
"""

from __future__ import annotations

from dataclasses import dataclass

from releases.configuration import Configurations
from releases.device import CURRENT, PREVIOUS, TRIAL, Device, UpdateError, say
from releases.health import WITHIN_S
from releases.service import Service

WITHIN_AFTER_BOOT_S = 180.0
"""Then everything starts at once, and the network comes late."""


class FellBackError(UpdateError):
    """The release was tried and did not hear; the one before it runs again."""


@dataclass(frozen=True)
class Trial:
    """A change of releases."""

    device: Device
    configurations: Configurations
    service: Service
    within_s: float = WITHIN_S
    """So long a release may take until it hears."""

    def change_to(self, release: str) -> None:
        """Pass from the release that runs to another one. Raise UpdateError when it does not take its place."""
        before = self.device.release(CURRENT)
        self.configurations.keep_before(before, release, self.service.health())
        self.device.point(TRIAL, before)
        try:
            self.service.guard()
            self.configurations.fit(release)
        except UpdateError:
            self.configurations.put_back(before)
            self.device.drop(TRIAL)
            raise
        self.device.point(CURRENT, release)
        say(f"trying release {release}: the service restarts, and has {self.within_s:g} s to listen")
        self._judge(release)

    def settle(self) -> None:
        """End what was interrupted. Raise FellBackError when the release that was being tried does not hear."""
        if not self.device.on_trial():
            return
        current, before = self.device.release(CURRENT), self.device.release(TRIAL)
        if not before:
            self.device.drop(TRIAL)
            return
        if current == before:
            say(f"a change of releases was interrupted before it came about, or after it was undone: {before} stays")
            self._return_to(before)
            self._tidy()
            return
        say(f"a change of releases was interrupted after the switch to {current}")
        if current:
            self._judge(current)
        else:
            self._fall_back("that was tried", "it is not whole")

    def _judge(self, release: str) -> None:
        self.service.restart()
        if objection := self._objection(release, self.device.release(TRIAL)):
            self._fall_back(release, objection)
        else:
            self._confirm(release)

    def _objection(self, release: str, before: str) -> str:
        return self.service.objection(release, self.within_s, self.configurations.health_before(before))

    def _confirm(self, release: str) -> None:
        """Take a release for good: now what only its predecessor needs may go."""
        self.configurations.migrate(release)
        before = self.device.release(TRIAL)
        self.device.point(PREVIOUS, before)
        self.device.drop(TRIAL)
        self._tidy()
        say(f"release {release} runs and hears; `update --rollback` returns to {before}")

    def _fall_back(self, failed: str, objection: str) -> None:
        before = self.device.release(TRIAL)
        say(f"release {failed} does not hear ({objection}): going back to {before}")
        self._return_to(before)
        objection_before = self._objection(before, before)
        self._tidy()
        if objection_before:
            raise FellBackError(
                f"release {failed} did not hear: {objection}. {before} was started again, but it does not hear either: "
                f"{objection_before}. So it may not be the release: see systemctl status hearthside"
            )
        raise FellBackError(f"release {failed} did not hear: {objection}. {before} runs again, and hears")

    def _return_to(self, release: str) -> None:
        """Make sure that the release which ran before starts, with the configuration that it had then."""
        self.configurations.put_back(release)
        self.device.point(CURRENT, release)
        self.service.restart()
        self.device.drop(TRIAL)

    def _tidy(self) -> None:
        self.device.prune()
        self.configurations.prune()
