"""The check for images whose axes were reshaped instead of transposed."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.data_facts import MixedAxes
from ..core.explanation import Explanation
from ..core.findings import Finding, Kind, finding
from ..core.image_axes import ALIKE, NEARER, STANDS_OUT
from ..core.trace import Trace

# Kinds of findings

IMAGE_AXES_MIXED = Kind(
    name="image_axes_mixed",
    severity="error",
    suspects="image_axes_mixed",
    headline="the pixels of the images are scrambled",
    text="{where} has images of shape {shape} whose values are laid out in memory as"
    " {held}: a reshape from one shape to the other has scrambled the pixels. Neighbors"
    " in {held} differ by {share} of what those in {shape} differ by, limit"
    " {share_limit}, in {known} images",
    hint="Use transpose instead of reshape: np.transpose(x, (0, 2, 3, 1)) for images"
    " with channels first, np.transpose(x, (0, 2, 1, 3)) for those with width first.",
    explanation=Explanation(
        brief="images were reshaped instead of transposed",
        seen="Images go into convolutions, and neighbors among their pixels are found"
        " where another order of the axes would have them: (C, H, W) instead of (H, W,"
        " C), or width and height exchanged. Exchanged width and height are only a"
        " warning: a periodic signal may look like rows.",
        why="A reshape changes the shape but moves no value. Each pixel gets its"
        " channels from neighboring pixels, and rows are torn apart. A convolution"
        " looks for patterns among neighbors and finds torn ones: the model learns"
        " little, or memorizes its images.",
        limits=(NEARER, STANDS_OUT, ALIKE),
    ),
)


def image_axes_mixed(trace: Trace) -> Iterator[Finding]:
    """Images whose memory holds another order of the axes than their shape says."""
    found = None if trace.data_facts is None else trace.data_facts.mixed_axes
    if found is not None:
        yield _finding(found)


def _finding(mixed: MixedAxes) -> Finding:
    height, width, channels = mixed.shape
    by_channels = mixed.held == "channels first"
    held = (channels, height, width) if by_channels else (width, height, channels)
    axes = "(0, 2, 3, 1)" if by_channels else "(0, 2, 1, 3)"
    return finding(
        IMAGE_AXES_MIXED,
        severity="error" if by_channels else "warning",
        value=mixed.nearer,
        limit=NEARER,
        where=mixed.where,
        shape=mixed.shape,
        held=held,
        known=mixed.rows,
        hint=f"Use transpose instead of reshape: np.transpose(x, {axes}).",
    )


RULES = (image_axes_mixed,)
