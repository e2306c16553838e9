"""A corruption as a value: composed, printed, stored; never touching the data."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_lossguard import PolicyError, UsageError, corruptions
from pytest_lossguard.corruptions import (
    FAMILIES,
    ConstantFeature,
    Corruption,
    Dtype,
    FewRows,
    FlippedLabels,
    MissingValues,
    Offset,
    Outliers,
    Scale,
    SortedRows,
)
from pytest_lossguard.corruptions.space import Space

from ..support import corruption_strategies as any_of

ANY = any_of.corruptions(any_of.families)
ON_MEASURED = any_of.corruptions(any_of.on_inputs, any_of.on_measured)
ON_LABELED = any_of.corruptions(any_of.on_inputs, any_of.on_rows, any_of.on_labels)


def acted(corruption, data):
    """What came of it; a class that no row is left of is as good an answer."""
    try:
        return corruption(*data)
    except UsageError as error:
        return str(error)


def frozen(data):
    for array in data:
        array.flags.writeable = False
    return data


@given(ON_MEASURED, any_of.measured)
def test_the_callers_arrays_are_never_touched(corruption, data):
    before = copy.deepcopy(data)

    corruption(*frozen(data))

    for array, kept in zip(data, before, strict=True):
        np.testing.assert_array_equal(array, kept)


@given(ON_LABELED, any_of.labeled)
def test_the_callers_labels_are_never_touched(corruption, data):
    before = copy.deepcopy(data)

    acted(corruption, frozen(data))

    for array, kept in zip(data, before, strict=True):
        np.testing.assert_array_equal(array, kept)


@given(ON_MEASURED, any_of.measured)
def test_shapes_are_kept_but_by_what_drops_rows(corruption, data):
    x, y = corruption(*data)

    assert (x.shape, y.shape) == (data[0].shape, data[1].shape)
    assert y.dtype == data[1].dtype


@given(ON_LABELED, any_of.labeled)
def test_inputs_and_targets_keep_as_many_rows_each(corruption, data):
    after = acted(corruption, data)

    if not isinstance(after, str):
        x, y = after
        assert 1 <= len(x) == len(y) <= len(data[0])
        assert x.shape[1:] == data[0].shape[1:]
        assert set(y) <= set(data[1])


@given(ON_LABELED, any_of.labeled)
def test_the_same_corruption_does_the_same_again(corruption, data):
    again = copy.deepcopy(corruption)

    np.testing.assert_equal(acted(again, data), acted(corruption, data))


@given(ANY)
def test_the_repr_is_the_expression_that_makes_it(corruption):
    made = eval(repr(corruption), dict(vars(corruptions)))

    assert made == corruption
    assert repr(made) == repr(corruption)


@given(ANY)
def test_json_gives_it_back(corruption):
    text = json.dumps(corruption.to_json(), allow_nan=False)

    assert Corruption.from_json(json.loads(text)) == corruption


@given(ANY)
def test_copies_are_equal_and_hash_alike(corruption):
    for made in (
        pickle.loads(pickle.dumps(corruption)),
        copy.copy(corruption),
        copy.deepcopy(corruption),
        Corruption(*corruption.parts),
    ):
        assert made == corruption
        assert hash(made) == hash(corruption)


@given(any_of.families)
def test_a_family_alone_is_a_corruption_of_one(family):
    x, y = np.arange(12.0).reshape(4, 3), np.array([2, 0, 1, 0])

    np.testing.assert_equal(acted(family, (x, y)), acted(Corruption(family), (x, y)))


def test_other_parts_are_unequal():
    assert Corruption(Scale(10.0)) != Corruption(Scale(10.0), Scale(1.0))
    assert Corruption(Scale(10.0)) != Corruption(Scale(10.0, features=0))
    assert Corruption(Scale(10.0)) != Scale(10.0)
    assert Scale(3.0) != Offset(3.0)


def test_parts_act_in_their_order():
    x = np.random.default_rng(0).normal(5.0, 1.0, (20, 1))

    first = Corruption(Offset(3.0), ConstantFeature(0))(x)
    last = Corruption(ConstantFeature(0), Offset(3.0))(x)

    np.testing.assert_allclose(first, x.mean() + 3.0 * x.std())
    np.testing.assert_allclose(last, x.mean() + 3.0)


def test_no_parts_give_the_data_back():
    x, y = np.ones((3, 1)), np.ones(3)

    assert Corruption()(x) is x
    assert Corruption()(x, y) == (x, y)


def test_targets_come_back_where_they_were_given():
    x, y = np.ones((3, 1)), np.ones(3)

    assert isinstance(Scale(2.0)(x), np.ndarray)
    assert Scale(2.0)(x, y)[1] is y


@pytest.mark.parametrize(
    ("corruption", "printed"),
    [
        (Corruption(), "Corruption()"),
        (Corruption(Scale(1000)), "Corruption(Scale(1000.0))"),
        (
            Corruption(Outliers(10.0, rows=3, features=("a", 0)), SortedRows()),
            "Corruption(Outliers(10.0, rows=3, features=('a', 0)), SortedRows(None))",
        ),
    ],
)
def test_the_repr_is_short(corruption, printed):
    assert repr(corruption) == printed


def test_numbers_of_numpy_become_those_of_python():
    made = Outliers(np.float32(10.0), np.uint8(2), (np.int8(1), np.str_("a")))

    assert repr(made) == "Outliers(10.0, rows=2, features=(1, 'a'))"
    json.dumps(Corruption(made).to_json())


ONE_OF_EACH = {
    "factor": (2.0, np.float64(2.0)),
    "deviations": (2.0, np.float64(2.0)),
    "share": (0.5, np.float64(0.5)),
    "keep": (0.5, np.float64(0.5)),
    "rows": (2, np.int64(2)),
    "label": (1, np.int64(1)),
    "features": (1, np.int64(1)),
    "feature": (1, np.int64(1)),
    "name": ("int8", np.str_("int8")),
}
FIELDS = [(family, field.name) for family in FAMILIES for field in fields(family)]


@pytest.mark.parametrize(("family", "name"), FIELDS)
def test_every_value_is_checked(family, name):
    good = {it: ONE_OF_EACH[it][0] for of, it in FIELDS if of is family}

    with pytest.raises(UsageError, match=rf"{family.__name__}\({name}=<object"):
        family(**{**good, name: object()})


@pytest.mark.parametrize("family", FAMILIES)
def test_every_value_is_printed_as_pythons_own(family):
    names = [it for of, it in FIELDS if of is family]

    of_python = family(**{it: ONE_OF_EACH[it][0] for it in names})
    of_numpy = family(**{it: ONE_OF_EACH[it][1] for it in names})

    assert repr(of_numpy) == repr(of_python)


@pytest.mark.parametrize("name", ["parts", "_drawn", "other"])
def test_a_corruption_is_frozen(name):
    with pytest.raises(AttributeError):
        setattr(Corruption(Scale(2.0)), name, ())


def test_a_family_is_frozen():
    with pytest.raises(FrozenInstanceError):
        Scale(2.0).factor = 3.0


@pytest.mark.parametrize(
    "part", [Scale, "Scale(2.0)", None, [Scale(2.0)], Corruption()]
)
def test_what_is_no_family_is_reported(part):
    with pytest.raises(UsageError, match="takes families such as Scale"):
        Corruption(part)


@pytest.mark.parametrize(
    "described",
    [
        None,
        {},
        "Scale(2.0)",
        [None],
        [{}],
        [{"family": "Nonsense"}],
        [{"family": ["Scale"]}],
        [{"family": "Scale"}],
        [{"family": "Scale", "factor": "a"}],
        [{"family": "Scale", "factor": 2.0, "power": 3}],
        [{"family": "FewRows", "rows": [3]}],
    ],
)
def test_other_json_is_reported(described):
    with pytest.raises(UsageError):
        Corruption.from_json(described)


@given(st.integers(0, 200), st.integers(1, 9))
def test_a_drawn_feature_is_counted_round_the_end(feature, width):
    x = np.ones((4, width))
    drawn = Corruption.drawn(Scale(2.0, features=feature))

    output = drawn.resolved(width)

    assert output == Corruption(Scale(2.0, features=feature % width))
    np.testing.assert_array_equal(drawn(x), output(x))


@pytest.mark.parametrize(
    ("family", "within"),
    [
        (Scale(2.0, features=(3, 4, 6, "a")), Scale(2.0, features=(0, 1, "a"))),
        (Scale(2.0, features="a"), Scale(2.0, features="a")),
        (Scale(2.0), Scale(2.0)),
        (SortedRows(5), SortedRows(2)),
        (SortedRows(), SortedRows()),
        (FewRows(5), FewRows(5)),
    ],
)
def test_within_leaves_what_is_no_number(family, within):
    assert family.within(3) == within


def test_a_feature_that_was_written_down_is_not_counted_round():
    corruption = Corruption(Scale(2.0, features=5))

    assert corruption.resolved(3) is corruption
    with pytest.raises(UsageError, match="no feature 5"):
        corruption(np.ones((4, 3)))


def test_what_was_drawn_stays_drawn_in_a_copy():
    drawn = Corruption.drawn(Scale(2.0, features=5))

    for made in (pickle.loads(pickle.dumps(drawn)), copy.deepcopy(drawn)):
        assert made.resolved(3) == Corruption(Scale(2.0, features=2))


def test_data_without_numbers_leaves_a_drawn_one_to_tell():
    with pytest.raises(UsageError, match="needs numeric inputs"):
        Corruption.drawn(Scale(2.0, features=5))(np.array(["a", "b"]))


@pytest.mark.parametrize("names", ["floot", ("float16", "floot"), (16,)])
def test_a_space_of_an_unknown_type_is_a_keyword_that_cannot_be_meant(names):
    with pytest.raises(PolicyError, match=r"owner\(dtype=.*dtype names no type"):
        Space.from_keywords({"dtype": names}, "owner")


def test_every_family_is_exported_and_has_a_keyword():
    for family in FAMILIES:
        assert family.__name__ in corruptions.__all__
        assert family.keyword


def test_many_parts_compose():
    x = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    y = np.arange(50) % 3

    after, labels = Corruption(
        FewRows(30),
        Scale(1000.0, features=0),
        MissingValues(0.1),
        FlippedLabels(0.1),
        SortedRows(),
        Dtype("float64"),
    )(x, y)

    assert (after.shape, after.dtype) == ((30, 3), np.float64)
    assert np.isnan(after).sum() == 9
    assert (np.diff(labels) >= 0).all()


def test_importing_them_imports_no_framework():
    code = (
        "import sys; import pytest_lossguard.corruptions;"
        "print([it for it in ('pandas', 'tensorflow', 'keras', 'hypothesis', 'pytest')"
        " if it in sys.modules])"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert printed.stdout.strip() == "[]"


def test_acting_on_arrays_imports_no_framework():
    code = (
        "import sys; import numpy as np; from pytest_lossguard.corruptions import *;"
        "Corruption(Scale(2.0), FlippedLabels(0.5))(np.ones((4, 2)), np.arange(4) % 2);"
        "print([it for it in ('pandas', 'tensorflow', 'keras') if it in sys.modules])"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert printed.stdout.strip() == "[]"
