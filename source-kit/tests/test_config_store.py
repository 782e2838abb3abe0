"""Keeping rotated tokens: in memory, and in the config file where that is possible."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from source_kit.config_store import ConfigStore

TOKEN = ("credentials", "refresh_token")
WARNING = (
    "The config file cannot be written. Keep the config of the last CONTROL message for the next run: "
    "the refresh token in the present one is used up."
)


def config_file(folder: Path, mode: int = 0o640) -> Path:
    path = folder / "config.json"
    path.write_text('{"unknown": [1], "credentials": {"refresh_token": "old"}}')
    path.chmod(mode)
    return path


def store_of(path: Path) -> ConfigStore:
    return ConfigStore(path, json.loads(path.read_text()))


def test_an_update_keeps_everything_else_and_makes_missing_objects() -> None:
    raw = {"a": 1}
    store = ConfigStore(None, raw)
    assert store.update({TOKEN: "new", ("b",): 2}) == {"a": 1, "b": 2, "credentials": {"refresh_token": "new"}}
    assert store.get(TOKEN) == "new"
    assert store.get(("a", "b", "c")) is None
    assert raw == {"a": 1}


def test_the_file_is_replaced_with_its_mode_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = config_file(tmp_path)
    store = store_of(path)
    store.update({TOKEN: "new"})
    assert store.save() is None
    assert json.loads(path.read_text()) == {"unknown": [1], "credentials": {"refresh_token": "new"}}
    assert path.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["config.json"]


def test_a_linked_config_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    target = config_file(tmp_path / "data")
    link = tmp_path / "link.json"
    link.symlink_to(target)
    store = store_of(link)
    store.update({TOKEN: "new"})
    assert store.save() is None
    assert link.is_symlink()
    assert json.loads(target.read_text())["credentials"]["refresh_token"] == "new"


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EXDEV, errno.EPERM])
def test_a_file_that_cannot_be_replaced_is_written_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path = config_file(tmp_path)
    store = store_of(path)
    store.update({TOKEN: "n"})
    inode = path.stat().st_ino

    def refuse(source: str, target: Path) -> None:
        raise OSError(number, "a mounted file")

    monkeypatch.setattr(os, "replace", refuse)
    assert store.save() is None
    assert json.loads(path.read_text())["credentials"]["refresh_token"] == "n"
    assert path.stat().st_ino == inode
    assert [each.name for each in tmp_path.iterdir()] == ["config.json"]


def test_a_full_disk_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = config_file(tmp_path)
    before = path.read_text()
    store = store_of(path)
    store.update({TOKEN: "new"})

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(os, "fsync", full)
    assert store.save() == WARNING
    assert path.read_text() == before


def test_a_file_that_may_not_be_written_is_warned_of_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = config_file(tmp_path)
    before = path.read_text()
    store = store_of(path)
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everything
    store.update({TOKEN: "new"})
    assert store.save() == WARNING
    assert store.save() is None
    assert path.read_text() == before


def test_without_a_file_the_last_control_is_all_there_is(tmp_path: Path) -> None:
    assert ConfigStore(None, {}).save() == WARNING
    assert ConfigStore(tmp_path / "gone.json", {}).save() == WARNING
