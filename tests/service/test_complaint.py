"""What is kept of a configuration that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.service.complaint import Complaint


def test_a_complaint_is_told_once(tmp_path: Path) -> None:
    """By whichever process; another complaint is another."""
    Complaint(tmp_path).leave("audio.input is wrong")
    assert Complaint(tmp_path).text == "audio.input is wrong"
    assert not Complaint(tmp_path).is_told
    Complaint(tmp_path).note_told()
    Complaint(tmp_path).leave("audio.input is wrong")
    assert Complaint(tmp_path).is_told
    Complaint(tmp_path).leave("the key is missing")
    assert not Complaint(tmp_path).is_told


def test_a_service_that_runs_has_nothing_to_complain_of(tmp_path: Path) -> None:
    """The same mistake a week later is told again."""
    complaint = Complaint(tmp_path)
    complaint.leave("wrong")
    complaint.note_told()
    complaint.forget()
    complaint.forget()
    assert complaint.text == ""
    complaint.leave("wrong")
    assert not complaint.is_told


def test_without_systemd_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The person reads it on the terminal."""
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    complaint = Complaint()
    complaint.leave("wrong")
    complaint.note_told()
    complaint.forget()
    assert complaint.text == ""
    assert not complaint.is_told


def test_the_folder_is_systemds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first, where there are several."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", f"{tmp_path}:/nowhere")
    Complaint().leave("wrong")
    assert (tmp_path / "complaint").read_text() == "wrong"


def test_a_folder_that_is_gone_is_survived(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The exit code is the same."""
    complaint = Complaint(tmp_path / "gone")
    complaint.leave("wrong")
    complaint.forget()
    assert complaint.text == ""
    assert "cannot be written" in caplog.text
