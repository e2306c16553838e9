"""Images that were reshaped instead of transposed: what is one, what only looks so."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_lossguard.core.image_axes import mixed_axes

DRAW = np.random.default_rng(0)


def blobs(rows=64, height=20, width=16, channels=3):
    """Return smooth spots, another one in each channel."""
    y, x = np.mgrid[:height, :width]
    shape = (rows, 1, 1, channels)
    far = (y[None, ..., None] - DRAW.uniform(4, height - 4, shape)) ** 2
    far += (x[None, ..., None] - DRAW.uniform(4, width - 4, shape)) ** 2
    return np.exp(-far / DRAW.uniform(4, 30, shape))


def gray(channels=3, **size):
    return np.repeat(blobs(channels=1, **size), channels, axis=-1)


def channels_reshaped(x):
    return x.transpose(0, 3, 1, 2).reshape(x.shape)


def width_reshaped(x):
    return x.transpose(0, 2, 1, 3).reshape(x.shape)


IMAGES = {
    "colors": blobs(),
    "gray": gray(),
    "two": blobs(channels=2),
    "four": gray(4, height=16),
    "bytes": (255 * blobs()).astype("uint8"),
    "noisy": blobs() + DRAW.normal(0, 0.05, (64, 20, 16, 3)),
    "whole numbers": (9 * blobs()).astype("int64"),
}


@pytest.mark.parametrize("name", IMAGES)
def test_channels_that_were_reshaped_are_found(name):
    x = IMAGES[name]
    found = mixed_axes([channels_reshaped(x)])
    assert found is not None
    assert (found.held, found.shape, found.rows) == ("channels first", x.shape[1:], 64)
    assert found.nearer < 0.8
    assert found.where == "the input"


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sizes", [(20, 16), (16, 20), (32, 12)])
def test_width_and_height_that_were_reshaped_are_found(sizes, channels):
    x = blobs(height=sizes[0], width=sizes[1], channels=channels)
    found = mixed_axes([np.zeros((64, 3)), width_reshaped(x)])
    assert found is not None
    assert (found.held, found.where) == ("width first", "input 1")


@pytest.mark.parametrize("name", IMAGES)
def test_images_in_order_are_not_found(name):
    x = IMAGES[name]
    assert mixed_axes([x]) is None
    assert mixed_axes([x.transpose(0, 3, 1, 2)]) is None
    assert mixed_axes([x.transpose(0, 2, 1, 3)]) is None


def walk(*shape, axis):
    return np.cumsum(DRAW.normal(size=shape), axis=axis)


ROWS, COLUMNS = np.arange(24)[:, None, None], np.arange(24)[:, None]
PHASE, PERIOD = DRAW.uniform(0, 6, (64, 1, 1, 3)), DRAW.integers(3, 12, (64, 1, 1, 1))
SIGNAL = np.sin(np.arange(480) / DRAW.uniform(2, 30, (64, 1)))


@pytest.mark.parametrize(
    "x",
    [
        DRAW.normal(size=(64, 16, 20, 3)),
        np.zeros((64, 16, 16, 3)),
        np.ones((64, 16, 16, 3)) * DRAW.normal(size=(64, 1, 1, 3)),
        np.ones((64, 16, 16, 3)) * DRAW.normal(size=(64, 16, 1, 1)),
        np.ones((64, 16, 16, 3)) * DRAW.normal(size=(64, 1, 16, 1)),
        np.sin(2 * np.pi * ROWS / PERIOD + PHASE) * np.ones((24, 24, 3)),
        np.sin(2 * np.pi * COLUMNS / PERIOD + PHASE) * np.ones((24, 24, 3)),
        (ROWS // 6 + COLUMNS // 6) % 2 * DRAW.normal(size=(64, 1, 1, 4)),
        np.eye(4)[DRAW.integers(0, 4, (64, 8, 8))],
        (DRAW.random((64, 8, 8, 4)) < 0.06).astype("float32"),
        walk(64, 40, 100, 1, axis=2),
        walk(64, 100, 40, 1, axis=1),
        walk(64, 768, axis=1).reshape(64, 16, 16, 3),
        SIGNAL.reshape(64, 40, 12, 1),
        SIGNAL.reshape(64, 12, 40, 1),
        np.stack([np.roll(gray(1)[..., 0], it, 2) for it in range(4)], axis=-1),
    ],
    ids=[
        "noise",
        "constant",
        "one color",
        "rows of one value",
        "columns of one value",
        "stripes across",
        "stripes down",
        "checkers",
        "one-hot planes",
        "a board",
        "a spectrogram",
        "sensors",
        "a walk folded into an image",
        "a folded signal",
        "a folded signal, wide",
        "frames of a moving object",
    ],
)
def test_what_only_looks_like_it_is_not_found(x):
    assert mixed_axes([x]) is None


@pytest.mark.parametrize(
    "x",
    [
        channels_reshaped(blobs(rows=15)),
        channels_reshaped(blobs(channels=6)),
        channels_reshaped(blobs()[:, :7]),
        np.where(
            DRAW.random((64, 20, 16, 3)) < 0.1, np.nan, channels_reshaped(blobs())
        ),
        channels_reshaped(blobs())[:, None],
        channels_reshaped(blobs()) > 0.5,
        np.full((64, 20, 16, 3), "a"),
    ],
    ids=["few", "many channels", "tiny", "nan", "video", "flags", "text"],
)
def test_what_cannot_be_told_is_not_found(x):
    assert mixed_axes([x]) is None
