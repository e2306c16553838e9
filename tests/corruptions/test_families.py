"""What each family does to arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_lossguard import UsageError
from pytest_lossguard.corruptions import (
    FAMILIES,
    ConstantFeature,
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


def sample(rows=40, features=3):
    rng = np.random.default_rng(0)
    return rng.normal(5.0, 2.0, (rows, features)), rng.normal(0.0, 1.0, rows)


def changed_rows(before, after):
    return np.flatnonzero((before != after).reshape(len(before), -1).any(axis=1))


def test_scale_multiplies_one_feature():
    x, _ = sample()

    np.testing.assert_array_equal(Scale(1000.0, features=1)(x), x * [1, 1000, 1])


def test_scale_multiplies_some_features():
    x, _ = sample()

    np.testing.assert_array_equal(Scale(10.0, features=(0, 2))(x), x * [10, 1, 10])


def test_scale_multiplies_all_features_where_none_is_named():
    x, _ = sample()

    np.testing.assert_array_equal(Scale(0.5)(x), x * 0.5)


def test_a_feature_named_twice_is_scaled_once():
    x, _ = sample()

    np.testing.assert_array_equal(Scale(10.0, features=(1, 1))(x), x * [1, 10, 1])


def test_offset_counts_in_the_features_own_deviations():
    x, _ = sample()

    np.testing.assert_allclose(Offset(3.0)(x), x + 3.0 * x.std(axis=0))


def test_offset_moves_only_the_asked_feature():
    x, _ = sample()

    moved = Offset(-2.0, features=2)(x)

    np.testing.assert_array_equal(moved[:, :2], x[:, :2])
    np.testing.assert_allclose(moved[:, 2], x[:, 2] - 2.0 * x[:, 2].std())


@pytest.mark.parametrize("value", [0.0, 0.1, -7.3, 1e9])
def test_a_constant_feature_is_offset_by_ones(value):
    x = np.full((10, 1), value)

    np.testing.assert_allclose(Offset(3.0)(x), x + 3.0)


def test_a_single_row_is_offset_by_ones():
    np.testing.assert_array_equal(Offset(2.0)(np.array([[1.0, 5.0]])), [[3.0, 7.0]])


@pytest.mark.parametrize("rows", [1, 4])
def test_outliers_hit_as_many_rows_as_asked(rows):
    x, _ = sample()

    far = Outliers(50.0, rows=rows)(x)

    hit = changed_rows(x, far)
    assert len(hit) == rows
    np.testing.assert_allclose(far[hit] - (x.mean(0) + 50.0 * x.std(0)), 0, atol=1e-9)


def test_more_outliers_than_rows_hit_every_row():
    x, _ = sample(rows=3)

    assert len(changed_rows(x, Outliers(50.0, rows=100)(x))) == 3


def test_outliers_in_one_feature_leave_the_others():
    x, _ = sample()

    far = Outliers(50.0, features=1)(x)

    np.testing.assert_array_equal(far[:, [0, 2]], x[:, [0, 2]])


@pytest.mark.parametrize(("share", "rows"), [(0.25, 10), (1.0, 40), (1e-9, 1)])
def test_mixed_units_hit_a_share_of_the_rows(share, rows):
    x, _ = sample()

    mixed = MixedUnits(1000.0, share=share)(x)

    hit = changed_rows(x, mixed)
    assert len(hit) == rows
    np.testing.assert_array_equal(mixed[hit], x[hit] * 1000.0)


def test_mixed_units_spread_over_rows_that_alternate():
    x = np.ones((40, 1))

    hit = MixedUnits(2.0, share=0.5)(x)[:, 0] == 2.0

    assert 8 <= hit[::2].sum() <= 12
    assert 8 <= hit[:20].sum() <= 12


def test_missing_values_are_nan_in_a_share_of_the_rows():
    x, _ = sample()

    missing = MissingValues(0.1, features=(0, 1))(x)

    assert np.isnan(missing).sum(axis=0).tolist() == [4, 4, 0]


def test_a_constant_feature_stays_at_its_mean():
    x, _ = sample()

    constant = ConstantFeature(1)(x)

    np.testing.assert_allclose(constant[:, 1], x[:, 1].mean())
    np.testing.assert_array_equal(constant[:, [0, 2]], x[:, [0, 2]])


def test_every_feature_may_be_constant():
    x, _ = sample()

    assert np.ptp(ConstantFeature(None)(x), axis=0).max() == 0.0


def test_targets_are_scaled_and_inputs_left():
    x, y = sample()

    after, scaled = TargetScale(1000.0)(x, y)

    np.testing.assert_array_equal(after, x)
    np.testing.assert_array_equal(scaled, y * 1000.0)


def test_target_outliers_hit_single_rows():
    x, y = sample()

    after, far = TargetOutliers(100.0, rows=2)(x, y)

    hit = changed_rows(y, far)
    assert len(hit) == 2
    np.testing.assert_array_equal(after, x)
    np.testing.assert_allclose(far[hit], y.mean() + 100.0 * y.std())


def test_one_target_is_an_outlier_unless_more_are_asked():
    x, y = sample()

    assert len(changed_rows(y, TargetOutliers(100.0)(x, y)[1])) == 1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("family", [TargetScale(1e30), TargetOutliers(1e30)])
def test_targets_that_overflow_do_so_quietly(family):
    x, y = sample()

    assert np.isinf(family(x, (y * 1e10).astype(np.float32))[1]).any()


@pytest.mark.parametrize(
    "labels",
    [
        np.arange(6) % 3,
        np.array(list("abcabc")),
        np.eye(3, dtype=np.float32)[np.arange(6) % 3],
        np.array([0.0, 1.0] * 3),
        np.array([[0.0], [1.0]] * 3),
        np.array([True, False] * 3),
        np.array(["yes", "no"] * 3, dtype=object),
    ],
    ids=["ints", "strings", "one-hot", "floats", "column", "bools", "objects"],
)
@pytest.mark.parametrize("family", [TargetScale(10.0), TargetOutliers(10.0)])
def test_class_labels_have_no_scale(family, labels):
    with pytest.raises(UsageError, match="are class labels, and labels have no scale"):
        family(np.ones((6, 2)), labels)


def test_duplicates_replace_a_share_of_the_rows_by_copies_of_the_others():
    x, y = sample()

    copied, targets = DuplicateRows(0.25)(x, y)

    hit = changed_rows(x, copied)
    kept = np.setdiff1d(np.arange(40), hit)
    assert len(hit) == 10
    for row in hit:
        origin = int(np.flatnonzero((x == copied[row]).all(axis=1))[0])
        assert origin in kept
        assert targets[row] == y[origin]


def test_all_rows_but_one_may_be_copies():
    x, _ = sample()

    assert len(np.unique(DuplicateRows(1.0)(x), axis=0)) == 1


def test_a_single_row_has_no_copies():
    x, _ = sample(rows=1)

    np.testing.assert_array_equal(DuplicateRows(1.0)(x), x)


def test_few_rows_are_left_with_their_targets_in_their_order():
    x, y = sample()

    few, targets = FewRows(7)(x, y)

    places = [int(np.flatnonzero((x == row).all(axis=1))[0]) for row in few]
    assert len(places) == 7
    assert places == sorted(places)
    assert places[-1] - places[0] > 20
    np.testing.assert_array_equal(targets, y[places])


def test_more_rows_than_there_are_are_all_of_them():
    x, _ = sample()

    np.testing.assert_array_equal(FewRows(1000)(x), x)


@pytest.mark.parametrize(
    "labels",
    [
        np.array([0] * 20 + [1] * 20),
        np.array(["no"] * 20 + ["yes"] * 20),
        np.array([0.0] * 20 + [1.0] * 20),
        np.array([[0.0]] * 20 + [[1.0]] * 20),
        np.eye(2)[[0] * 20 + [1] * 20],
    ],
    ids=["ints", "strings", "floats", "column", "one-hot"],
)
def test_imbalance_drops_rows_of_one_class(labels):
    x, _ = sample()

    kept, targets = Imbalance(0.1, label=1)(x, labels)

    assert len(kept) == len(targets) == 22
    assert targets.shape[1:] == labels.shape[1:]
    np.testing.assert_array_equal(targets[:20], labels[:20])
    np.testing.assert_array_equal(targets[20:], labels[-2:])


def test_imbalance_keeps_one_row_of_the_class():
    x, _ = sample()

    _, targets = Imbalance(1e-6)(x, np.array([0] * 20 + [1] * 20))

    assert (targets == 0).sum() == 1


def test_imbalance_of_a_class_that_does_not_exist_is_reported():
    x, _ = sample()

    with pytest.raises(UsageError, match="there is no class 5: the labels have 2"):
        Imbalance(0.1, label=5)(x, np.array([0] * 20 + [1] * 20))


@pytest.mark.parametrize(
    "labels",
    [
        np.arange(40) % 3,
        np.array(list("abc"))[np.arange(40) % 3],
        np.eye(3, dtype=np.float32)[np.arange(40) % 3],
        (np.arange(40.0) % 3)[:, None],
    ],
    ids=["ints", "strings", "one-hot", "column"],
)
def test_flipped_labels_name_the_next_class_in_the_same_encoding(labels):
    x, _ = sample()

    after, flipped = FlippedLabels(0.1)(x, labels)

    hit = changed_rows(labels, flipped)
    np.testing.assert_array_equal(after, x)
    assert (flipped.shape, flipped.dtype) == (labels.shape, labels.dtype)
    assert len(hit) == 4
    np.testing.assert_array_equal(flipped[hit], labels[hit + 1 - 3 * (hit % 3 == 2)])


def test_labels_of_one_class_cannot_be_another():
    labels = np.zeros(40, int)

    np.testing.assert_array_equal(FlippedLabels(0.5)(sample()[0], labels)[1], labels)


@pytest.mark.parametrize("family", [FlippedLabels(0.1), Imbalance(0.5)])
def test_measured_targets_are_no_classes(family):
    with pytest.raises(UsageError, match="acts on class labels.*40 different values"):
        family(*sample())


@pytest.mark.parametrize("rows", [1, 2, 5])
@pytest.mark.parametrize("kind", [int, float])
def test_a_few_rows_of_many_classes_are_still_classes(rows, kind):
    labels = (np.arange(40) % 10).astype(kind)

    after, flipped = FlippedLabels(1.0)(*FewRows(rows)(sample()[0], labels))

    assert len(after) == len(flipped) == rows


def test_soft_labels_are_labels():
    soft = np.array([0.1, 0.9, 0.1, 0.9])

    assert FlippedLabels(1.0)(np.ones((4, 1)), soft)[1].tolist() == [0.9, 0.1] * 2


@pytest.mark.filterwarnings("error")
def test_infinite_targets_are_measured_quietly():
    x, y = sample()
    y[3] = np.inf

    with pytest.raises(UsageError, match="acts on class labels"):
        FlippedLabels(0.1)(x, y)


def test_rows_are_sorted_by_their_target():
    x, y = sample()

    after, ordered = SortedRows()(x, y)

    np.testing.assert_array_equal(ordered, np.sort(y))
    np.testing.assert_array_equal(after, x[np.argsort(y)])


def test_rows_are_sorted_by_label_and_keep_their_order_within_one():
    x, _ = sample(rows=6)
    labels = np.array(list("babaab"))

    after, ordered = SortedRows()(x, labels)

    assert "".join(ordered) == "aaabbb"
    np.testing.assert_array_equal(after, x[[1, 3, 4, 0, 2, 5]])


def test_one_hot_rows_are_sorted_by_class():
    labels = np.eye(3)[[2, 0, 1, 0]]

    _, ordered = SortedRows()(np.ones((4, 1)), labels)

    assert ordered.argmax(axis=1).tolist() == [0, 0, 1, 2]


def test_rows_are_sorted_by_a_feature():
    x, y = sample()

    after, targets = SortedRows(1)(x, y)

    np.testing.assert_array_equal(after[:, 1], np.sort(x[:, 1]))
    np.testing.assert_array_equal(targets, y[np.argsort(x[:, 1])])


def test_sequences_are_sorted_by_their_first_step():
    x = np.array([[[3.0], [1.0]], [[1.0], [2.0]], [[2.0], [3.0]]])

    assert SortedRows(0)(x)[:, 0, 0].tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("family", [SortedRows(), FlippedLabels(0.5), Imbalance(0.5)])
def test_targets_without_an_order_are_reported(family):
    labels = np.array(["a", None, "b", 3], dtype=object)

    with pytest.raises(UsageError, match="give labels of one type"):
        family(np.ones((4, 1)), labels)


@pytest.mark.parametrize(
    "name", ["float16", "float32", "float64", "int8", "int16", "int32", "int64"]
)
def test_inputs_are_stored_in_another_type_and_targets_left(name):
    x, y = sample()

    after, targets = Dtype(name)(x, y)

    assert after.dtype == name
    assert targets is y
    np.testing.assert_allclose(after, x.astype(name))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kept_as", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", ["int8", "int16", "int32", "int64"])
def test_integers_are_cut_to_their_range(name, kept_as):
    x = np.array([[np.inf], [-np.inf], [np.nan], [1.9], [-1.9]], dtype=kept_as)

    cut = Dtype(name)(x)[:, 0].tolist()

    info = np.iinfo(name)
    assert cut[1:] == [info.min, 0, 1, -1]
    assert info.max - 1024 <= cut[0] <= info.max
    assert name == "int64" or cut[0] == info.max


def test_the_last_number_of_a_range_is_within_it():
    assert Dtype("int8")(np.array([126.0, 127.0, 128.0])).tolist() == [126, 127, 127]


@pytest.mark.parametrize("kept_as", [np.int64, np.uint64])
def test_large_integers_stay_exact(kept_as):
    x = np.array([2**53 + 1, 2**63 - 1], dtype=kept_as)

    assert Dtype("int64")(x).tolist() == x.tolist()


@pytest.mark.parametrize("kept_as", [np.uint8, np.uint64, np.int64])
def test_integers_are_cut_to_smaller_ones(kept_as):
    assert Dtype("int8")(np.array([0, 200], dtype=kept_as)).tolist() == [0, 127]


@pytest.mark.filterwarnings("error")
def test_what_no_float16_can_hold_is_infinite():
    assert np.isinf(Dtype("float16")(np.array([1e6]))).all()


@pytest.mark.parametrize("kept_as", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(
    "family",
    [
        Scale(2.0),
        Scale(2.0, features=0),
        Offset(1.0),
        Outliers(5.0),
        MixedUnits(2.0),
        MissingValues(0.1),
        ConstantFeature(0),
    ],
    ids=repr,
)
def test_floats_keep_their_precision(family, kept_as):
    x, _ = sample()

    assert family(x.astype(kept_as)).dtype == kept_as


def test_targets_keep_their_precision():
    x, y = sample()

    for family in (TargetScale(2.0), TargetOutliers(3.0)):
        assert family(x, y.astype(np.float32))[1].dtype == np.float32


def test_integers_become_float64_where_they_are_scaled():
    images = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)

    scaled = Scale(1.5)(images)

    assert scaled.dtype == np.float64
    np.testing.assert_array_equal(scaled, images * 1.5)


def test_the_features_of_images_and_sequences_lie_on_the_last_axis():
    images = np.random.default_rng(0).normal(size=(8, 4, 4, 3))

    offset = Offset(2.0, features=1)(images)

    np.testing.assert_array_equal(offset[..., [0, 2]], images[..., [0, 2]])
    np.testing.assert_allclose(
        offset[..., 1], images[..., 1] + 2.0 * images[..., 1].std()
    )


def test_an_outlier_among_images_is_a_whole_image():
    images = np.random.default_rng(0).normal(size=(8, 4, 4, 3))

    far = Outliers(10.0)(images)

    hit = changed_rows(images, far)
    assert len(hit) == 1
    assert (far[hit] != images[hit]).all()


def test_a_vector_is_one_feature():
    np.testing.assert_array_equal(Scale(2.0, features=0)(np.ones(5)), np.full(5, 2.0))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "family", [Offset(3.0), Outliers(3.0), ConstantFeature(0), Scale(2.0)], ids=repr
)
def test_what_is_missing_already_does_not_spread(family):
    x = np.array([[1.0, 4.0], [np.nan, 5.0], [3.0, np.inf], [2.0, 6.0]])

    assert np.isfinite(family(x)[[0, 3]]).all()


@pytest.mark.filterwarnings("error")
def test_a_feature_that_is_missing_altogether_breaks_nothing():
    x = np.full((4, 2), np.nan)

    assert np.isnan(Offset(3.0)(x)).all()
    assert (ConstantFeature(None)(x) == 0.0).all()


@given(st.integers(1, 60), st.integers(1, 60))
def test_of_more_hit_rows_the_same_come_first(fewer, more):
    x = np.arange(60.0)[:, None]
    fewer, more = sorted((fewer, more))

    few = changed_rows(x, Outliers(100.0, rows=fewer)(x))

    assert set(few) <= set(changed_rows(x, Outliers(100.0, rows=more)(x)))


@pytest.mark.parametrize(
    "family", [Dtype("int8"), Scale(2.0), SortedRows(0), MissingValues(0.5)], ids=repr
)
def test_inputs_without_numbers_are_reported(family):
    with pytest.raises(UsageError, match="needs numeric inputs, and x is <U1 only"):
        family(np.array([["a"], ["b"]]))


@pytest.mark.parametrize("family", [it for it in FAMILIES if "Target" in it.__name__])
def test_a_target_family_without_targets_is_reported(family):
    with pytest.raises(UsageError, match=r"call corruption\(x, y\)"):
        family(10.0)(np.ones((3, 1)))


@pytest.mark.parametrize("family", [FlippedLabels(0.1), Imbalance(0.1), SortedRows()])
@pytest.mark.parametrize("y", [None, (), {}])
def test_a_label_family_without_targets_is_reported(family, y):
    with pytest.raises(UsageError, match=r"call corruption\(x, y\)"):
        family(np.ones((3, 1)), y)


@pytest.mark.parametrize("feature", [3, -1, 100])
@pytest.mark.parametrize("family", [Scale(2.0, features=0), SortedRows(0)])
def test_a_feature_that_does_not_exist_is_reported(family, feature):
    name = "feature" if isinstance(family, SortedRows) else "features"
    wrong = type(family)(**{**as_arguments(family), name: feature})

    with pytest.raises(UsageError, match=rf"no feature {feature}: the inputs have 3"):
        wrong(sample()[0])


def as_arguments(family):
    return {it: getattr(family, it) for it in family.__dataclass_fields__}


def test_a_name_where_nothing_is_named_is_reported():
    with pytest.raises(UsageError, match="no numeric feature 'age': give its number"):
        Scale(2.0, features="age")(np.ones((3, 1)))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Scale("a"), r"Scale\(factor='a'\): factor must be a finite number"),
        (lambda: Scale(None), "factor must be a finite number"),
        (lambda: Scale(True), "factor must be a finite number"),
        (lambda: Scale(float("nan")), "factor must be a finite number"),
        (lambda: Scale(float("inf")), "factor must be a finite number"),
        (lambda: Scale(10**400), "factor must be a finite number"),
        (lambda: Scale(1j), "factor must be a finite number"),
        (lambda: Scale(np.ones(3)), "factor must be a finite number"),
        (lambda: Scale(2.0, features=1.5), "features must be a feature's number"),
        (lambda: Scale(2.0, features=True), "features must be a feature's number"),
        (lambda: Scale(2.0, features=[0]), r"features=\[0\].*a tuple of these"),
        (lambda: Scale(2.0, features=()), "features must be a feature's number"),
        (lambda: Scale(2.0, features=(0, None)), "features must be a feature's"),
        (lambda: Offset("3"), "deviations must be a finite number"),
        (lambda: Outliers(10.0, rows=1.5), "rows must be a whole number, at least 1"),
        (lambda: Outliers(10.0, rows=0), "rows must be a whole number, at least 1"),
        (lambda: Outliers(10.0, rows="2"), "rows must be a whole number, at least 1"),
        (lambda: MixedUnits(10.0, share=0.0), "share must be a number above 0"),
        (lambda: MixedUnits(10.0, share="a"), "share must be a number above 0"),
        (lambda: MissingValues(1.1), "share must be a number above 0 and at most 1"),
        (lambda: MissingValues(True), "share must be a number above 0"),
        (lambda: ConstantFeature(0.5), "features must be a feature's number"),
        (lambda: TargetScale(None), "factor must be a finite number"),
        (lambda: TargetOutliers(1.0, rows=-1), "rows must be a whole number"),
        (lambda: DuplicateRows(-0.1), "share must be a number above 0"),
        (lambda: FewRows(True), r"FewRows\(rows=True\): rows must be a whole number"),
        (lambda: FewRows(2.0), "rows must be a whole number, at least 1"),
        (lambda: Imbalance(0), "keep must be a number above 0 and at most 1"),
        (lambda: Imbalance(0.1, label="a"), "label must be a whole number, at least 0"),
        (lambda: Imbalance(0.1, label=-1), "label must be a whole number, at least 0"),
        (lambda: FlippedLabels(float("nan")), "share must be a number above 0"),
        (lambda: SortedRows((0, 1)), "feature must be a feature's number"),
        (lambda: SortedRows(0.5), "feature must be a feature's number"),
        (lambda: Dtype("floot"), r"Dtype\(name='floot'\): name must be one of float16"),
        (lambda: Dtype(np.float16), "name must be one of float16"),
        (lambda: Dtype(np.dtype("float16")), "name must be one of float16"),
        (lambda: Dtype(["float16"]), "name must be one of float16"),
    ],
)
def test_a_bad_value_is_answered_by_one_sentence(make, says):
    with pytest.raises(UsageError, match=says) as raised:
        make()

    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 200


SCALING = [Scale(1e3), Offset(10.0), Outliers(10.0), MixedUnits(10.0)]


def whole(name):
    draw = np.random.default_rng(0)
    return {
        "tokens": np.pad(draw.integers(1, 900, (40, 6)), ((0, 0), (0, 6))),
        "characters": draw.integers(0, 60, (40, 12)).astype(np.int32),
        "one category": draw.integers(0, 9, 40),
        "categories, none": draw.integers(-1, 5, (40, 1)).astype(np.int8),
        "categories": draw.integers(0, 5, (40, 3)),
        "pixels": draw.integers(0, 256, (40, 64)).astype(np.uint8),
        "images": draw.integers(0, 256, (40, 4, 4, 3)).astype(np.int32),
        "ages": draw.integers(18, 90, (40, 1)),
        "years": draw.integers(1990, 2020, 40),
        "degrees": draw.integers(-20, 30, (40, 2)),
        "amounts": draw.integers(0, 100_000, 40),
    }[name]


@pytest.mark.parametrize("family", SCALING, ids=repr)
@pytest.mark.parametrize(
    "name",
    ["tokens", "characters", "one category", "categories, none", "categories"],
)
def test_ids_are_not_scaled(name, family):
    ids, numbers = whole(name), np.random.default_rng(1).normal(size=(40, 2))

    changed = family({"ids": ids, "numbers": numbers})

    np.testing.assert_array_equal(changed["ids"], ids)
    assert changed["ids"].dtype == ids.dtype
    assert not np.array_equal(changed["numbers"], numbers)


@pytest.mark.parametrize("family", SCALING, ids=repr)
@pytest.mark.parametrize(
    "name", ["pixels", "images", "ages", "years", "degrees", "amounts"]
)
def test_whole_numbers_that_measure_are_scaled(name, family):
    assert not np.array_equal(family(whole(name)), whole(name))


def test_ids_alone_have_no_scale_and_the_error_says_what_to_write():
    with pytest.raises(UsageError, match="scales=False, offsets=False, outliers=False"):
        Scale(10.0)(whole("tokens"))
