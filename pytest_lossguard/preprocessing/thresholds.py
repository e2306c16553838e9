"""Every number that decides whether a contract is kept, with what set it."""

from __future__ import annotations

__all__ = [
    "BY_REQUEST",
    "CHANCE",
    "CROWDED",
    "FAR_FROM_ZERO",
    "FLOAT_NOISE",
    "LABELS_MOVED",
    "MISTAKEN",
    "MOST_AUGMENTED",
    "MOST_CATEGORIES",
    "MOST_OUTSIDE",
    "NARROW",
    "OF_LARGEST_SPREAD",
    "OF_SPREAD",
    "OTHER_TYPE",
    "OTHER_TYPE_ROWS",
    "OWN_LABEL",
    "RANGE_MARGIN",
    "ROUNDED_FROM",
    "ROUNDING",
    "SAME_NEIGHBORS",
    "TINY",
]

#: Two numbers are the same if they differ by less than this part of the standard
#: deviation of their column: sums in another order differ by 1e-7 (float32), a scaler
#: that saw one more of 500 rows by 1e-3.
OF_SPREAD = 1e-4
#: By so many times more may a row differ with the request that it comes in: transforms
#: that search (NMF) end at other digits, a refit moves a row by a standard deviation.
BY_REQUEST = 50.0
#: The same, as a part of the number itself: ten times the resolution of float32.
FLOAT_NOISE = 2e-6
#: The same, as a part of the largest standard deviation of all columns: the last
#: components of a PCA of dependent columns are noise of this size.
OF_LARGEST_SPREAD = 1e-7
#: The same, absolute.
TINY = 1e-12
#: Share of the trained rows that may come from augmentation.
MOST_AUGMENTED = 0.5
#: Share of the matched rows whose label may be another one's: rows that are served
#: alike by chance. Labels off by one row are wrong in one row of two or more.
LABELS_MOVED = 0.05
#: Share of the recorded requests that may lie outside of the trained range, widened by
#: `RANGE_MARGIN` of itself on both sides: single odd requests are no fault of the code.
MOST_OUTSIDE = 0.5
RANGE_MARGIN = 0.5
#: What is as rare as this is not chance.
CHANCE = 1e-3
#: Numbers of another type may come out otherwise by so many standard deviations (a
#: quantile at its very edge), and in so many rows by more (values at the edge of a
#: bin): an overflow or a cut changes all.
OTHER_TYPE = 0.2
OTHER_TYPE_ROWS = 0.05
#: Relative difference of numbers that are one number in float32: where it decides of
#: the output, the value lies on an edge.
ROUNDING = 1e-6
#: Standard deviations from 0 beyond which no 0 is to be expected.
FAR_FROM_ZERO = 3.0
#: Whole numbers that come out rounded to whole ones, as of a resized image, are no
#: fault where they reach this far: a cut of numbers from 0 to 1 leaves nothing.
ROUNDED_FROM = 8.0
#: Share of the training rows that may be mistaken for held-out ones where rows are much
#: alike (two columns: 1 of 188): a fit that saw held-out rows moves more of them.
MISTAKEN = 0.02
#: A label moves its own row's features if they change by more than so many times what
#: nine of ten other rows change by: a selection or a projection that is fitted to the
#: labels moves all rows alike.
OWN_LABEL = 5.0
#: Share of neighboring raw values that may come out the same: ties at a few places are
#: rounding, ids cut by float32 collapse in half of their pairs or more.
SAME_NEIGHBORS = 0.4
#: A column of words with more different ones than this share of its rows is free text.
MOST_CATEGORIES = 0.5
#: Neighbors in training order share a label so much more often than chance only where
#: rows were not mixed: 500 rows of three classes in random order stay below 0.1.
CROWDED = 0.15
#: An output with fewer columns than the raw rows is narrower on purpose.
NARROW = 1.0
