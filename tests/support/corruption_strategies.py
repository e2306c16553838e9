"""Hypothesis strategies for any corruption and for its data."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pytest_lossguard.corruptions import (
    ConstantFeature,
    Corruption,
    Dtype,
    DuplicateRows,
    FewRows,
    FlippedLabels,
    Imbalance,
    MissingValues,
    MixedUnits,
    Offset,
    Outliers,
    Scale,
    SortedRows,
    TargetOutliers,
    TargetScale,
)
from pytest_lossguard.corruptions.ids import ids

numbers = st.floats(-1e6, 1e6) | st.integers(-100, 100)
shares = st.floats(0.0, 1.0, exclude_min=True)
counts = st.integers(1, 20)
feature = st.integers(0, 2)
features = st.none() | feature | st.tuples(feature, feature)
names = st.sampled_from(["float16", "float32", "float64", "int8", "int32", "int64"])

on_inputs = st.one_of(
    st.builds(Scale, numbers, features),
    st.builds(Offset, numbers, features),
    st.builds(Outliers, numbers, counts, features),
    st.builds(MixedUnits, numbers, shares, features),
    st.builds(MissingValues, shares, features),
    st.builds(ConstantFeature, features),
    st.builds(DuplicateRows, shares),
    st.builds(SortedRows, feature),
    st.builds(Dtype, names),
)
on_rows = st.builds(FewRows, counts)
on_measured = st.one_of(
    st.builds(TargetScale, numbers),
    st.builds(TargetOutliers, numbers, counts),
    st.just(SortedRows()),
)
on_labels = st.builds(FlippedLabels, shares) | st.builds(Imbalance, shares)
families = st.one_of(on_inputs, on_rows, on_measured, on_labels)


def corruptions(*of):
    return st.lists(st.one_of(*of), max_size=4).map(lambda it: Corruption(*it))


def inputs(rows):
    dtypes = st.sampled_from([np.float32, np.float64, np.int32, np.uint8])
    shapes = st.sampled_from([(rows, 3), (rows, 4, 3), (rows, 2, 2, 3)])
    return (
        st.tuples(dtypes, shapes)
        .flatmap(lambda it: hnp.arrays(*it, elements=hnp.from_dtype(np.dtype(it[0]))))
        .filter(lambda it: not ids(it).any())  # which nothing scales
    )


measured = st.integers(1, 12).flatmap(
    lambda rows: st.tuples(
        inputs(rows),
        hnp.arrays(np.float32, rows, elements=st.floats(2.0, 1e3, width=32)),
    )
)
labeled = st.integers(1, 12).flatmap(
    lambda rows: st.tuples(
        inputs(rows), hnp.arrays(np.int64, rows, elements=st.integers(0, 3))
    )
)
