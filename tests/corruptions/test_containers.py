"""What holds the arrays: nested structures, lists, pandas."""

from __future__ import annotations

from collections import OrderedDict, UserDict, defaultdict, namedtuple
from types import MappingProxyType

import numpy as np
import pytest

from pytest_lossguard import UsageError
from pytest_lossguard.corruptions import (
    ConstantFeature,
    Corruption,
    Dtype,
    DuplicateRows,
    FewRows,
    FlippedLabels,
    Imbalance,
    MissingValues,
    Offset,
    Scale,
    SortedRows,
    TargetOutliers,
    TargetScale,
)

Pair = namedtuple("Pair", ["left", "right"])


def test_features_are_counted_through_a_nested_structure():
    x = {"a": np.ones((4, 2)), "b": (np.ones(4), [np.ones((4, 3, 2))])}

    scaled = Scale(10.0, features=(1, 2, 4))(x)

    assert scaled["a"][0].tolist() == [1.0, 10.0]
    assert scaled["b"][0].tolist() == [10.0] * 4
    assert scaled["b"][1][0][0, 0].tolist() == [1.0, 10.0]
    assert x["a"].max() == x["b"][0].max() == x["b"][1][0].max() == 1.0


def test_what_is_not_hit_is_handed_on():
    x = {"a": np.ones((4, 2)), "b": np.ones(4), "ids": np.array(list("wxyz"))}

    scaled = Scale(10.0, features=0)(x)

    assert scaled["b"] is x["b"]
    assert scaled["ids"] is x["ids"]


def test_only_what_is_hit_changes_its_type():
    scaled = Scale(10.0, features=0)((np.ones((4, 1), int), np.ones((4, 1), int)))

    assert [it.dtype.kind for it in scaled] == ["f", "i"]


@pytest.mark.parametrize(
    "data",
    [
        {"a": np.ones(3)},
        OrderedDict(a=np.ones(3)),
        defaultdict(list, a=np.ones(3)),
        UserDict(a=np.ones(3)),
        MappingProxyType({"a": np.ones(3)}),
        [np.ones(3)],
        (np.ones(3),),
        Pair(np.ones(3), None),
    ],
    ids=lambda it: type(it).__name__,
)
def test_a_structure_keeps_its_type(data):
    scaled = Scale(2.0)(data)

    assert type(scaled) is type(data)
    first = scaled["a"] if hasattr(scaled, "keys") else scaled[0]
    assert first.tolist() == [2.0] * 3


def test_a_namedtuple_keeps_its_fields():
    scaled = Scale(2.0, features=1)(Pair(left=np.ones(3), right=np.ones(3)))

    assert scaled.left[0] == 1.0
    assert scaled.right[0] == 2.0


def test_none_stays_where_it_is():
    scaled, targets = TargetScale(2.0)(
        (np.ones(3), None), {"a": None, "b": np.full(3, 3.0)}
    )

    assert scaled[1] is None
    assert targets["a"] is None
    assert targets["b"][0] == 6.0


def test_rows_are_dropped_from_every_array():
    x = (np.arange(10.0), {"b": np.arange(20.0).reshape(10, 2)})

    (left, right), y = FewRows(4)(x, [np.arange(10), np.arange(10)])

    assert len(left) == 4
    np.testing.assert_array_equal(right["b"][:, 0], left * 2)
    np.testing.assert_array_equal(y[0], left)
    np.testing.assert_array_equal(y[1], left)


def test_several_targets_are_all_scaled():
    _, (first, second) = TargetScale(2.0)(
        np.ones(2), (np.array([3.0, 4.0]), np.ones(2))
    )

    assert (first.tolist(), second.tolist()) == ([6.0, 8.0], [2.0, 2.0])


def test_lists_of_numbers_are_an_array():
    x, y = Scale(2.0, features=1)([[1, 2], [3, 4], [5, 6]], ["a", "b", "c"])

    assert x.tolist() == [[1, 4], [3, 8], [5, 12]]
    assert y.tolist() == ["a", "b", "c"]


def test_a_tuple_of_lists_is_two_inputs():
    left, right = Scale(2.0, features=1)(([1, 2, 3], [4, 5, 6]))

    assert (left.tolist(), right.tolist()) == ([1, 2, 3], [8, 10, 12])


def test_what_becomes_an_array_is_one():
    class Tensor:
        def __array__(self, dtype=None, copy=None):
            return np.ones((3, 2))

    assert Scale(2.0)(Tensor()).tolist() == [[2.0, 2.0]] * 3


@pytest.mark.parametrize("made", [np.asfortranarray, lambda it: it[::-1, ::2]])
def test_any_layout_of_memory_will_do(made):
    x = made(np.arange(24.0).reshape(6, 4))

    np.testing.assert_array_equal(Scale(2.0)(x), x * 2.0)


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        (np.array(["a", "b"]), None, "needs numeric inputs, and x is <U1 only"),
        (np.array([True, False]), None, "needs numeric inputs, and x is bool only"),
        (np.ones(3, complex), None, "needs numeric inputs, and x is complex128"),
        (["a", "b"], None, "needs numeric inputs"),
        ([[1, 2], [3]], None, "ragged data, but x holds rows of different lengths"),
        ([1, [2, 3]], None, "ragged data"),
        (np.array([[1], [2, 3]], dtype=object), None, "ragged data"),
        (np.array([None, [2, 3]], dtype=object), None, "ragged data"),
        (np.ones((3, 1)), np.ones(2), "got x of 3 rows and y of 2 rows"),
        ((np.ones(3), np.ones(4)), None, "got x of 3, 4 rows"),
        (np.ones((0, 2)), None, "x without rows"),
        (np.ones(()), None, "x holds one ndarray: give an array"),
        (5.0, None, "x holds one float: give an array"),
        ("abc", None, "x holds one str: give an array"),
        (object(), None, "x holds one object: give an array"),
        ({"a": np.ones(3), "b": 1.0}, None, "x holds one float"),
        (np.ones(3), "abc", "y holds one str: give an array"),
        (None, None, "got no array to act on: give x, or x and y"),
        ((), np.ones(3), "got no array to act on: give x, or x and y"),
        ([], None, "got no array to act on"),
    ],
)
def test_what_cannot_be_corrupted_is_reported(x, y, says):
    with pytest.raises(UsageError, match=says) as raised:
        Scale(2.0)(x, y)

    assert "\n" not in str(raised.value)


@pytest.fixture
def pd():
    return pytest.importorskip("pandas")


@pytest.fixture
def frame(pd):
    index = pd.Index(list("pqrstu"), name="key")
    columns = {
        "height": np.array([1.0, 2, 3, 4, 5, 6], np.float32),
        "name": list("abcdef"),
        "age": np.arange(6),
        "seen": pd.date_range("2024-01-01", periods=6).to_numpy(),
        "kind": pd.Categorical(list("xyxyxy")),
        "member": [True, False] * 3,
        "weight": np.linspace(50.0, 90.0, 6),
    }
    return pd.DataFrame(columns, index=index)


NUMERIC = ["height", "age", "weight"]
OTHERS = ["name", "seen", "kind", "member"]


def test_the_numeric_columns_of_a_frame_are_corrupted(pd, frame):
    before = frame.copy()

    scaled = Scale(10.0)(frame)

    pd.testing.assert_frame_equal(scaled[OTHERS], frame[OTHERS])
    pd.testing.assert_index_equal(scaled.index, frame.index)
    assert list(scaled.columns) == list(frame.columns)
    for name in NUMERIC:
        np.testing.assert_allclose(scaled[name], frame[name] * 10.0)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("feature", [1, "age"])
def test_a_column_is_named_or_counted_among_the_numeric_ones(pd, frame, feature):
    scaled = Scale(10.0, features=feature)(frame)

    np.testing.assert_array_equal(scaled["age"], frame["age"] * 10)
    pd.testing.assert_frame_equal(scaled.drop(columns="age"), frame.drop(columns="age"))


def test_each_column_keeps_its_precision(frame):
    scaled = Scale(10.0)(frame)

    assert [str(scaled[it].dtype) for it in NUMERIC] == [
        "float32",
        "float64",
        "float64",
    ]


def test_untouched_integers_stay_exact_beside_floats(pd):
    frame = pd.DataFrame({"id": [2**53 + 1, 2**53 + 3], "value": [1.0, 2.0]})

    scaled = Scale(10.0, features="value")(frame)

    assert scaled["id"].dtype == np.int64
    assert scaled["id"].tolist() == [2**53 + 1, 2**53 + 3]


@pytest.mark.parametrize("name", ["float16", "float32", "float64", "int64"])
def test_all_numeric_columns_get_another_type(pd, frame, name):
    stored = Dtype(name)(frame)

    assert {str(stored[it].dtype) for it in NUMERIC} == {name}
    pd.testing.assert_frame_equal(stored[OTHERS], frame[OTHERS])


def test_missing_values_in_integers_make_them_floats(frame):
    missing = MissingValues(0.5, features="age")(frame)

    assert missing["age"].isna().sum() == 3
    assert missing["height"].notna().all()


@pytest.mark.parametrize("feature", ["name", "kind", "tall"])
def test_a_column_that_has_no_numbers_is_reported(frame, feature):
    with pytest.raises(
        UsageError, match=rf"'{feature}': the named ones are 'height', 'age', 'weight'"
    ):
        Scale(10.0, features=feature)(frame)


def test_a_frame_without_numbers_is_reported(frame):
    with pytest.raises(UsageError, match="needs numeric inputs.*category"):
        Scale(10.0)(frame[["kind", "member"]])


def test_a_name_that_occurs_twice_means_both(pd):
    frame = pd.DataFrame(np.ones((3, 3)), columns=["a", "b", "a"])

    scaled = Scale(10.0, features="a")(frame)

    assert list(scaled.columns) == ["a", "b", "a"]
    assert scaled.iloc[0].tolist() == [10.0, 1.0, 10.0]


def test_one_of_two_columns_of_a_name_is_hit_by_its_number(pd):
    frame = pd.DataFrame(np.ones((3, 2)), columns=["a", "a"])

    assert Scale(10.0, features=1)(frame).iloc[0].tolist() == [1.0, 10.0]


def test_columns_may_be_called_what_pandas_calls_its_own(pd):
    frame = pd.DataFrame({"dtype": [1.0, 2.0], "columns": [1.5, 2.5], "iloc": [3.5, 4]})

    x, y = Corruption(Scale(2.0, features="columns"), TargetScale(2.0))(frame, frame)

    assert x["columns"].tolist() == [3.0, 5.0]
    assert y["dtype"].tolist() == [2.0, 4.0]


def test_a_series_may_have_a_row_called_columns(pd):
    series = pd.Series([1.0, 2.0], index=["columns", "b"])

    assert Scale(2.0)(series).tolist() == [2.0, 4.0]


def test_columns_may_be_numbered_or_nested(pd):
    numbered = pd.DataFrame(np.ones((3, 2)), columns=[7, 8])
    nested = pd.DataFrame(
        np.ones((3, 2)), columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])
    )

    for frame in (numbered, nested):
        scaled = Scale(10.0, features=1)(frame)
        assert scaled.iloc[0].tolist() == [1.0, 10.0]
        assert scaled.columns.equals(frame.columns)


@pytest.mark.parametrize(
    ("values", "dtype", "after"),
    [
        ([1, 2, None], "Int64", [10.0, 20.0, np.nan]),
        ([1, 2, 3], "Int8", [10.0, 20.0, 30.0]),
        ([1.5, None, 3.0], "Float32", [15.0, np.nan, 30.0]),
        ([1.0, 0.0, 0.0], "Sparse[float64]", [10.0, 0.0, 0.0]),
    ],
)
def test_the_numbers_of_pandas_own_types_are_scaled(pd, values, dtype, after):
    series = pd.Series(values, dtype=dtype)

    for scaled in (Scale(10.0)(series), Scale(10.0)(series.to_frame("a"))["a"]):
        np.testing.assert_array_equal(scaled.to_numpy(dtype=float), after)
    assert str(series.dtype).lower().startswith(dtype[:4].lower())


@pytest.mark.parametrize("dtype", ["Int64", "boolean", "category", "string", "Float64"])
def test_columns_that_are_not_hit_keep_pandas_own_types(pd, dtype):
    frame = pd.DataFrame({"a": pd.Series([1, None, 0], dtype=dtype), "b": [1.0, 2, 3]})

    scaled = Scale(10.0, features="b")(frame)

    pd.testing.assert_series_equal(scaled["a"], frame["a"])


def test_missing_integers_are_cut_to_zero(pd):
    series = pd.Series([1, None, 300], dtype="Int64")

    assert Dtype("int8")(series).tolist() == [1, 0, 127]


def test_large_integers_of_pandas_stay_exact(pd):
    series = pd.Series([2**53 + 1, 2**63 - 1], dtype="Int64")

    assert Dtype("int64")(series).tolist() == series.tolist()


def test_a_frame_keeps_its_class(pd):
    class Own(pd.DataFrame):
        @property
        def _constructor(self):
            return Own

    assert type(Scale(2.0)(Own({"a": [1.0]}))) is Own


def test_rows_of_frame_and_series_go_together(pd, frame):
    y = pd.Series(np.arange(6.0), index=frame.index, name="price")

    few, targets = FewRows(3)(frame, y)

    assert len(few) == 3
    pd.testing.assert_index_equal(few.index, targets.index)
    pd.testing.assert_frame_equal(few, frame.loc[few.index])
    pd.testing.assert_series_equal(targets, y.loc[few.index])


def test_sorted_rows_carry_their_index(pd, frame):
    y = pd.Series([3.0, 1.0, 2.0, 6.0, 5.0, 4.0], index=frame.index)

    after, targets = SortedRows()(frame, y)

    assert "".join(after.index) == "".join(targets.index) == "qrputs"
    pd.testing.assert_frame_equal(after, frame.loc[after.index])


@pytest.mark.parametrize("feature", ["weight", 2])
def test_frames_are_sorted_by_a_column(frame, feature):
    shuffled = frame.iloc[[3, 1, 5, 0, 2, 4]]

    assert SortedRows(feature)(shuffled)["weight"].is_monotonic_increasing


def test_copied_rows_leave_the_index_where_it_is(pd, frame):
    y = pd.Series(np.arange(6.0), index=frame.index)

    copied, targets = DuplicateRows(0.5)(frame, y)

    pd.testing.assert_index_equal(copied.index, frame.index)
    pd.testing.assert_index_equal(targets.index, frame.index)
    assert copied["name"].nunique() == targets.nunique() == 3
    assert copied.dtypes.equals(frame.dtypes)


@pytest.mark.parametrize(
    "labels", [[0, 1] * 3, ["no", "yes"] * 3, [0.0, 1.0] * 3, [True, False] * 3]
)
@pytest.mark.parametrize("kind", [None, "category"])
def test_flipped_labels_leave_the_index_where_it_is(pd, frame, labels, kind):
    y = pd.Series(labels, index=frame.index, name="label", dtype=kind)

    after, flipped = FlippedLabels(0.3)(frame, y)

    pd.testing.assert_frame_equal(after, frame)
    pd.testing.assert_index_equal(flipped.index, y.index)
    assert (flipped.name, flipped.dtype) == ("label", y.dtype)
    assert (flipped.astype(str) != y.astype(str)).sum() == 2


def test_labels_in_a_frame_are_labels(pd, frame):
    y = pd.get_dummies(pd.Series(list("aabbcc"), index=frame.index))

    _, flipped = FlippedLabels(1.0)(frame, y)

    assert flipped.idxmax(axis=1).tolist() == list("bbccaa")
    assert flipped.dtypes.equals(y.dtypes)


def test_a_series_with_an_index_of_its_own_is_met_by_place(pd):
    x, labels = (
        np.arange(6.0)[:, None],
        pd.Series([0, 0, 0, 0, 1, 1], index=range(9, 3, -1)),
    )

    after, kept = Imbalance(0.25)(x, labels)

    assert kept.tolist() == [0, 1, 1]
    np.testing.assert_array_equal(9 - kept.index.to_numpy(), after[:, 0])


@pytest.mark.parametrize("family", [TargetScale(10.0), TargetOutliers(10.0)])
def test_measured_targets_of_pandas_keep_index_and_name(pd, frame, family):
    y = pd.Series(np.linspace(1, 2, 6, dtype=np.float32), index=frame.index, name="p")

    for given in (y, y.to_frame()):
        _, after = family(frame, given)
        pd.testing.assert_index_equal(after.index, y.index)
        assert after.shape == given.shape
        assert np.asarray(after).dtype == np.float32
        assert not np.array_equal(after, given)


@pytest.mark.parametrize("labels", [[0, 1, 2], ["a", "b", "c"]])
def test_labels_in_pandas_have_no_scale(pd, labels):
    y = pd.Series(labels)

    for given in (y, y.to_frame("label"), y.astype("category")):
        with pytest.raises(UsageError, match="are class labels"):
            TargetScale(10.0)(np.ones((3, 1)), given)


def test_frame_and_series_of_different_lengths_are_reported(frame, pd):
    with pytest.raises(UsageError, match="got x of 6 rows and y of 5 rows"):
        Scale(2.0)(frame, pd.Series(range(5)))


def test_frames_nest_like_arrays(pd, frame):
    x = {"frame": frame, "array": np.ones((6, 2))}

    scaled = Scale(10.0, features=(2, 4))(x)

    np.testing.assert_allclose(scaled["frame"]["weight"], frame["weight"] * 10.0)
    assert scaled["array"][0].tolist() == [1.0, 10.0]


def test_a_named_series_is_a_named_feature(pd):
    x = {"a": pd.Series([1.0, 2.0], name="age"), "b": pd.Series([1.0, 2.0])}

    scaled = Scale(10.0, features="age")(x)

    assert scaled["a"].tolist() == [10.0, 20.0]
    with pytest.raises(UsageError, match="the named ones are 'age'"):
        Scale(10.0, features="None")(x)


@pytest.mark.parametrize("family", [Offset(3.0), ConstantFeature(None)], ids=repr)
def test_a_frame_is_shifted_as_its_array_is(pd, family):
    x = np.random.default_rng(0).normal(size=(20, 3))

    np.testing.assert_allclose(family(pd.DataFrame(x)), family(x))


def test_a_result_can_be_written_to_without_touching_the_frame(frame):
    scaled = Scale(10.0, features="age")(frame)

    scaled.loc["p", "height"] = -1.0

    assert frame.loc["p", "height"] == 1.0


def test_a_frame_is_scaled_but_for_its_categories(pd):
    rows = np.arange(30)
    frame = pd.DataFrame({"city": rows % 4, "age": 20 + rows})

    scaled = Scale(10.0)(frame)

    assert scaled["city"].tolist() == frame["city"].tolist()
    assert scaled["age"].tolist() == (10.0 * frame["age"]).tolist()
