"""The thresholds that decide whether a contract is kept, each with its source."""

from __future__ import annotations

from ..core.explanation import Limit

OF_SPREAD = Limit(
    1e-4,
    "Two numbers are the same if they differ by at most {limit} standard deviations"
    " of their column.",
    set_by="Sums in another order differ by 1e-7 (float32), a scaler that saw one more"
    " of 500 rows by 1e-3.",
)
BY_REQUEST = Limit(
    50.0,
    "A row may change with its request by {limit} times as much as two equal numbers"
    " may differ.",
    set_by="Iterative transforms such as NMF end with other last digits; a refit moves"
    " a row by a standard deviation.",
)
#: The tolerance for two equal numbers relative to the number itself: ten times the
#: resolution of float32.
FLOAT_NOISE = 2e-6
#: The tolerance relative to the largest standard deviation of all columns: the last
#: components of a PCA of dependent columns are noise of this size.
OF_LARGEST_SPREAD = 1e-7
#: The absolute tolerance.
TINY = 1e-12
MOST_AUGMENTED = Limit(
    0.5,
    "Up to {limit:.0%} of the trained rows may be served nowhere: they may be"
    " augmented. trained=0.2 sets another share.",
    set_by="Chosen, not measured.",
)
LABELS_MOVED = Limit(
    0.05,
    "Up to {limit:.0%} of the rows may have another row's label.",
    set_by="Some rows are served alike by chance. Labels off by one row are wrong in"
    " one row of two or more.",
)
MOST_OUTSIDE = Limit(
    0.5,
    "More than {limit:.0%} of the requests lie outside the range of training.",
    set_by="Chosen, not measured: single odd requests are no fault of the code.",
)
RANGE_MARGIN = Limit(
    0.5,
    "The range of training is widened by {limit:.0%} of itself on both sides.",
    set_by="Chosen, not measured.",
)
CHANCE = Limit(
    1e-3,
    "A column is the same in all requests. By chance it would be in fewer than"
    " {limit:.1%} of all cases.",
    set_by="Chosen, not measured.",
)
OTHER_TYPE = Limit(
    0.2,
    "Numbers of another type come out differently by more than {limit} standard"
    " deviations, or rows do by more than rounding.",
    set_by="A quantile at its very edge moves by less; an overflow or a cut changes"
    " all.",
)
OTHER_TYPE_ROWS = Limit(
    0.05,
    "Smaller differences are allowed in up to {limit:.0%} of the rows.",
    set_by="Values at the edge of a bin fall into the next one.",
)
#: The relative difference of numbers that are the same in float32: if such a difference
#: changes the output, the value lies on the edge of a bin.
ROUNDING = 1e-6
FAR_FROM_ZERO = Limit(
    3.0,
    "A column of positive numbers whose lowest is more than {limit} standard"
    " deviations above 0 is left out.",
    set_by="Chosen, not measured: a price or a height never is 0.",
)
#: An output that is rounded to whole numbers, such as a resized image of integers, is
#: no fault if its largest values reach this; rounding numbers from 0 to 1 loses all.
ROUNDED_FROM = 8.0
MISTAKEN = Limit(
    0.02,
    "Up to {limit:.0%} of the training rows may change.",
    set_by="Where rows are much alike, some are mistaken for held-out ones (two"
    " columns: 1 of 188); a fit that saw held-out rows moves more of them.",
)
NEARLY_SAME = Limit(
    0.05,
    "A held-out row copies a training row of the same raw row if no number differs by"
    " more than {limit} standard deviations.",
    set_by="Rows copied with noise of 1% of a standard deviation differ by 0.03;"
    " windows of a series that are taken for rows of one raw row by 0.1 and more.",
)
OWN_LABEL = Limit(
    5.0,
    "The row of the changed label moves {limit} times as far as nine of ten other"
    " rows.",
    set_by="A selection or a projection that is fitted to the labels moves all rows"
    " alike.",
)
SAME_NEIGHBORS = Limit(
    0.4,
    "{limit:.0%} of the pairs of neighboring values come out the same.",
    set_by="Ties at a few places are rounding; ids cut by float32 collapse in half of"
    " their pairs or more.",
)
MOST_CATEGORIES = Limit(
    0.5,
    "A column of words is free text, and is left out, if more than {limit:.0%} of its"
    " words are different.",
    set_by="Chosen, not measured.",
)
CROWDED = Limit(
    0.15,
    "Neighbors share a label more often than by chance, by {limit} or more.",
    set_by="500 rows of three classes in random order stay below 0.1.",
)
#: An output with fewer columns than this multiple of the raw columns is narrower on
#: purpose.
NARROW = 1.0
ANOTHER_UNIT = Limit(
    1e-3,
    "Some row comes out differently by more than {limit} standard deviations of its"
    " column.",
    set_by="Chosen, not measured: far above rounding.",
)
