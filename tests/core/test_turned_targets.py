"""Images that come again with a mirrored target."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_lossguard.core.data_facts import TurnedTargets
from pytest_lossguard.core.turned_targets import turned_targets

DRAW = np.random.default_rng(0)
IMAGES = DRAW.random((8, 6, 5, 1)).astype("float32")
MASKS = (DRAW.random((8, 6, 5)) < 0.5).astype("uint8")


def found(images, masks, later_images, later_masks):
    return turned_targets([([images], [masks]), ([later_images], [later_masks])])


@pytest.mark.parametrize("axes", [1, 2, (1, 2)])
def test_masks_that_are_mirrored_under_the_same_image_are_counted(axes):
    turned = found(IMAGES, MASKS, IMAGES[::-1], np.flip(MASKS, axes)[::-1])
    assert turned == TurnedTargets(rows=8, turned=8)


def test_images_and_masks_that_are_flipped_together_are_other_images():
    both = (np.flip(it, 2) for it in (IMAGES, MASKS))
    assert found(IMAGES, MASKS, *both) is None


@pytest.mark.parametrize(
    ("images", "masks", "later"),
    [
        (IMAGES, MASKS, MASKS),
        (IMAGES, MASKS, 1 - MASKS),
        (IMAGES, np.ones_like(MASKS), np.ones_like(MASKS)),
        (np.ones_like(IMAGES), MASKS, np.flip(MASKS, 2)),
    ],
    ids=["same", "other", "symmetric-mask", "symmetric-image"],
)
def test_what_was_not_mirrored_is_not_counted(images, masks, later):
    assert found(images, masks, images, later).turned == 0


def test_images_that_agree_where_they_are_looked_up_are_compared_as_a_whole():
    images = np.zeros((8, 40, 40), "float32")
    images[np.arange(8), 1, np.arange(8) + 1] = 1.0  # between the numbers of the key
    masks = images > 0
    assert found(images, masks, images[::-1], np.flip(masks, 2)).turned == 0


@pytest.mark.parametrize(
    "batches",
    [
        [([IMAGES], [MASKS[:, 0, 0]])] * 2,
        [([IMAGES[:, 0, :, 0]], [MASKS])] * 2,
        [([IMAGES, IMAGES], [MASKS])] * 2,
        [([IMAGES], [MASKS])],
        [([IMAGES[:4]], [MASKS])] * 2,
    ],
    ids=["classes", "rows", "two-inputs", "once", "other-count"],
)
def test_of_what_is_no_image_and_mask_nothing_is_known(batches):
    assert turned_targets(batches) is None
