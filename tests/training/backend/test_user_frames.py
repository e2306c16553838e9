"""Which frames are the user's own."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest_lossguard
from pytest_lossguard.training.backend import user_frames


def frame_in(file):
    """A frame of code that stands in a file."""
    space = {"sys": sys}
    exec(compile("frame = sys._getframe()", str(file), "exec"), space)
    return space["frame"]


def test_a_package_that_is_imported_by_a_link_is_not_the_user(tmp_path):
    # As /tmp on macOS is one, or a checkout that is linked to.
    link = tmp_path / "link"
    link.symlink_to(Path(pytest_lossguard.__file__).parents[1])
    training = link / "pytest_lossguard" / "training"
    file = training / "backend" / "user_frames.py"
    spec = spec_from_file_location(f"{user_frames.__package__}.linked", file)
    linked = module_from_spec(spec)
    sys.modules[spec.name] = linked
    try:
        spec.loader.exec_module(linked)
    finally:
        del sys.modules[spec.name]

    assert linked.is_framework(frame_in(training / "record" / "recorder.py"))
    assert not linked.is_framework(frame_in(tmp_path / "train.py"))


def test_installed_packages_are_not_the_user(tmp_path):
    installed = tmp_path / "site-packages" / "other" / "train.py"

    assert user_frames.is_framework(frame_in(installed))
    assert user_frames.is_framework(frame_in("<string>"))
