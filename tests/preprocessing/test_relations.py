"""Each relation on small programs of its own: what breaks it, what does not apply."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    SplineTransformer,
    StandardScaler,
)

import pytest_lossguard
from pytest_lossguard.preprocessing import (
    DEFAULTS,
    ContractPolicy,
    check_relation,
    preparation_of,
)

DRAW = np.random.default_rng(0)
X = DRAW.normal(10, 3, (60, 4)).round(3)
Y = (X[:, 0] > 10).astype(int)
PIXELS = DRAW.integers(0, 256, (40, 4, 4)).astype(np.uint8)
FRAME = pd.DataFrame(X, columns=["a", "b", "c", "d"])
CITIES = pd.DataFrame({"city": ["Rome", "Oslo", "Lima"] * 10, "size": np.arange(30.0)})


def result(
    relation, prepare, x=X, y=None, asked=True, unused=(), strict=False, **paths
):
    keys = {relation: asked, "unused": unused, "strict": strict}
    policy = ContractPolicy.from_keywords(keys)
    preparation = preparation_of(prepare, x, y, unused=policy.unused, **paths)
    return check_relation(preparation, relation, policy)


def same(x):
    return x


# deterministic


def test_draws_that_are_without_a_seed_are_reported_first():
    def prepare(x):
        return x + np.random.default_rng().normal(0, 1, x.shape)

    assert result("deterministic", prepare).outcome == "broken"
    assert result("alone", prepare, serve=same).message == (
        "not checked: prepared twice from the same seed, it differs"
    )


def test_draws_of_the_global_generators_repeat_and_are_left_alone():
    before = np.random.get_state()[1].copy()

    made = result("deterministic", lambda x: x + np.random.normal(0, 1, x.shape))

    assert made.outcome == "kept"
    assert (np.random.get_state()[1] == before).all()


# alone


def test_a_row_that_loses_a_dimension_by_itself_is_reported():
    made = result("alone", same, serve=np.squeeze)

    assert made.outcome == "broken"
    assert made.rows == (0,)


def test_a_row_that_cannot_be_served_by_itself_is_reported_with_the_error():
    def serve(x):
        return x[[0, 1]].mean() * 0 + x

    made = result("alone", same, serve=serve)

    assert made.message.startswith("alone: row 0 cannot be served alone: IndexError")


def test_labels_are_served_alone_too():
    def shares(y):
        return y / y.sum()

    made = result("alone", lambda x, y: (x, shares(y)), X, Y, serve=same, labels=shares)

    assert "its label alone" in made.message


def test_labels_that_are_sorted_are_served_alone_from_all_over_the_sample():
    y = np.repeat(["red", "white"], 30)

    def codes(y):
        return np.unique(y, return_inverse=True)[1]

    made = result("alone", lambda x, y: (x, codes(y)), X, y, serve=same, labels=codes)

    assert made.rows[0] >= 30
    assert "  raw row    'white'" in made.message


def test_another_shape_is_reported_in_words():
    def serve(x):
        return x[:, x.std(axis=0) > 0]

    made = result("alone", same, serve=serve)

    assert "row 0 served alone has another shape than among others" in made.message
    assert "1 row of 0 columns  alone" in made.message
    assert "1 row of 4 columns  as among 60 rows" in made.message


# columns


def test_columns_taken_by_place_break_and_by_name_do_not():
    by_place = result(
        "columns", lambda f: f.to_numpy(), FRAME, serve=lambda f: f.values
    )
    by_name = result("columns", lambda f: f[["a", "b"]].values, FRAME)

    assert by_place.outcome == "broken"
    assert "served     d, a, b, c" in by_place.message
    assert by_name.outcome == "kept"


def test_an_error_on_other_columns_is_enough():
    assert result("columns", StandardScaler(), FRAME).outcome == "kept"


# unseen


def test_who_refuses_the_unseen_on_purpose_says_so():
    encoder = OneHotEncoder(sparse_output=False)
    x = CITIES[["city"]]

    made = result("unseen", encoder, x)

    assert made.column == "city"
    assert 'contracts(unseen="raises")' in made.message
    assert result("unseen", encoder, x, asked="raises").outcome == "kept"


def test_a_lookup_that_crashes_is_no_refusal():
    places = {"Rome": 0.0, "Oslo": 1.0, "Lima": 2.0}

    def serve(frame):
        return np.array([[places[it]] for it in frame["city"]])

    made = result("unseen", serve, CITIES[["city"]], asked="raises", serve=serve)

    assert "raises KeyError" in made.message


def test_dates_and_numbers_written_as_words_have_no_unseen_ones():
    days = pd.DataFrame({"day": ["2024-01-01", "2024-02-03"] * 10})

    made = result("unseen", lambda f: pd.to_datetime(f["day"]).dt.day, days)

    assert made.outcome == "skipped"


# types, zeros, missing


def overflow(x):
    return (x - 128) / 128


def by_type(x):
    return x / 255 if x.dtype == np.uint8 else x.astype(float)


@pytest.mark.parametrize("prepare", [overflow, by_type])
def test_numbers_that_depend_on_their_type_break(prepare):
    made = result("types", prepare, PIXELS, serve=prepare)

    assert made.outcome == "broken"
    assert "as uint8" in made.message


def test_a_cast_first_keeps_types():
    assert (
        result("types", lambda x: x.astype("float32") / 255, PIXELS).outcome == "kept"
    )


def test_a_ratio_of_zero_breaks_and_a_refusal_of_ones_own_does_not():
    def ratio(x):
        return x[:, :1] / x[:, 1:2]

    def refuse(x):
        if (x <= 0).any():
            raise ValueError("sizes must be above 0")
        return np.log(x)

    made = result("zeros", ratio, serve=ratio)

    assert (made.outcome, made.column) == ("broken", "column 1")
    assert result("zeros", refuse, serve=refuse).outcome == "kept"


def test_zero_is_expected_only_where_the_sample_comes_near_it():
    heights = X / 3 + 20

    def serve(x):
        return np.log(x)

    assert result("zeros", serve, heights, serve=serve).outcome == "skipped"
    assert result("zeros", serve, X, serve=serve).outcome == "broken"


def test_an_error_is_reported_as_long_as_its_line():
    def serve(texts):
        return np.array([[len(it) for it in text.split()] for text in texts])

    made = result("unseen", serve, [f"word {it}" for it in range(30)], serve=serve)

    assert made.message.startswith("unseen: a text never seen raises ValueError")
    assert "ValueError: setting an array element with a sequence." in made.message


def test_nan_that_comes_through_breaks_only_if_asked():
    assert result("missing", same, serve=same).column == "column 0"
    assert result("missing", StandardScaler()).outcome == "broken"
    assert "missing" not in ContractPolicy().names


# trained, mixed, requests


def test_another_filling_in_serving_is_seen_though_few_rows_have_holes():
    x = X.copy()
    x[::7, 2] = np.nan

    def fill(value):
        return lambda x: np.where(np.isnan(x), value, x)

    assert result("trained", fill(10.0), x, serve=fill(0.0)).outcome == "broken"
    assert result("trained", fill(10.0), x, serve=fill(10.0)).outcome == "kept"


def test_what_serving_makes_is_shown_of_the_same_raw_row():
    frame = pd.DataFrame(
        {"at": pd.date_range("2024-05-01", periods=60, freq="h"), "size": X[:, 0]}
    )

    def prepare(frame):
        return np.column_stack([frame["at"].dt.hour, frame["size"]])

    def serve(frame):
        return prepare(frame.assign(at=frame["at"] + pd.Timedelta(hours=2)))

    made = result("trained", prepare, frame, serve=serve)

    assert f"2024-05-01 00:00:00, {X[0, 0]:.3g}  row 0" in made.message
    assert "came out   2" in made.message
    assert "served, output column 0" in made.message
    assert "should be  0" in made.message


def test_a_row_that_serving_takes_for_another_kind_of_row_is_seen():
    places = {"Rome": 0, "Oslo": 1, "Lima": 2}
    city = np.resize(["Rome", "Oslo ", "Lima", "Rome", "Oslo"], 60)
    x = pd.DataFrame({"city": city, "size": X[:, 0].round()})

    def one_hot(words):
        return np.eye(4)[words.map(places).fillna(3).astype(int)]

    def prepare(frame):
        return np.hstack([one_hot(frame["city"].str.strip()), frame[["size"]] / 9])

    def serve(frame):
        return np.hstack([one_hot(frame["city"]), frame[["size"]] / 9])

    made = result("trained", prepare, x, serve=serve)

    assert made.outcome == "broken"
    assert "'Oslo ', " in made.message
    assert result("trained", prepare, x, serve=prepare).outcome == "kept"


def test_labels_that_serving_codes_otherwise_break():
    words = np.array(["no", "yes"])[Y]

    def code(words, first):
        return (words != first).astype(int)

    def prepare(x, y):
        return x, code(y, "no")

    def labels(first):
        return {"serve": same, "labels": lambda y: code(y, first)}

    assert result("trained", prepare, X, words, **labels("no")).outcome == "kept"
    assert result("trained", prepare, X, words, **labels("yes")).outcome == "broken"


def test_requests_out_of_range_break():
    made = result("requests", same, serve=same, requests=X[:9] * [1, 1, 1000, 1])

    assert (made.outcome, made.column) == ("broken", "column 2")
    assert result("requests", same, serve=same, requests=X[:9]).outcome == "kept"


# held_out, own_label


def split(x, y):
    return x[::2], y[::2], x[1::2], y[1::2]


def test_rows_copied_before_the_split_are_in_both_parts():
    def prepare(x, y):
        rare = np.flatnonzero(y == 0)
        rows = np.concatenate([np.arange(len(x)), rare, rare])
        rows = rows[np.random.default_rng(0).permutation(len(rows))]
        return split(x[rows], y[rows])

    made = result("held_out", prepare, X, Y)

    assert "into both training and held-out data" in made.message


@pytest.mark.parametrize(("noise", "is_broken"), [(0.01, True), (0.3, False)])
def test_rows_copied_with_noise_before_the_split_are_in_both_parts(noise, is_broken):
    def prepare(x, y):
        draw = np.random.default_rng(0)
        rows = np.concatenate([x, x + noise * draw.standard_normal(x.shape)])
        order = draw.permutation(len(rows))
        return split(rows[order], np.concatenate([y, y])[order])

    x = np.random.default_rng(1).standard_normal(X.shape)
    made = result("held_out", prepare, x, Y)
    assert (made.outcome == "broken") is is_broken
    assert ("into both training and held-out data" in made.message) is is_broken


def test_a_held_out_row_is_shown_whose_value_has_changed():
    word = np.resize(["a", "a", "b"], 60)
    word[50] = word[40]  # the first held-out row gets the word that it has
    words = pd.DataFrame({"word": word, "size": X[:, 0]})

    def prepare(frame, y):
        mean = frame["word"].map(pd.Series(y).groupby(frame["word"]).mean())
        made = np.column_stack([mean, frame["size"]])
        return made[:40], y[:40], made[40:], y[40:]

    made = result("held_out", prepare, words, X[:, 1])
    raw = next(it for it in made.message.splitlines() if "raw value" in it)
    before, after = raw.split("held-out")[0].split("raw value")[1].split("->")

    assert before.strip() != after.strip()


def test_rows_that_are_equal_in_the_raw_sample_are_no_copies():
    x = np.concatenate([X[:54], X[:6]])

    assert result("held_out", split, x, Y).outcome == "kept"


def test_four_parts_in_another_order_are_reported():
    def prepare(x, y):
        return x[:50], x[50:], y[:50], y[50:]

    with pytest.raises(pytest_lossguard.UsageError, match="x_train, y_train, x_held"):
        result("held_out", prepare, X, Y)


def test_the_label_among_the_features_breaks():
    made = result("own_label", lambda x, y: (np.column_stack([x, y]), y), X, Y)

    assert made.outcome == "broken"


# kept, units, future


def test_a_forgotten_column_breaks_unless_it_is_unused():
    def prepare(frame):
        return np.column_stack([frame[["a", "b", "c"]], frame["a"] ** 2])

    made = result("kept", prepare, FRAME)

    assert (made.outcome, made.column) == ("broken", "d")
    assert "contracts(unused=('d',))" in made.message
    assert result("kept", prepare, FRAME, unused=("d",)).outcome == "kept"


def test_columns_that_a_column_transformer_drops_are_left_out_on_purpose():
    frame = FRAME.assign(city=np.resize(["Rome", "Oslo"], 60))
    chosen = ColumnTransformer(
        [
            ("numbers", StandardScaler(), ["a", "b"]),
            ("words", OneHotEncoder(handle_unknown="ignore"), ["city"]),
            ("more", SplineTransformer(), ["a"]),
        ]
    )

    assert result("kept", chosen, frame).outcome == "kept"
    assert result("kept", make_pipeline(chosen), frame).outcome == "kept"
    made = result("kept", FunctionTransformer(lambda f: f[["a"] * 5]), frame)
    assert made.outcome == "broken"


def test_a_fixed_number_depends_on_the_unit_and_a_scaler_does_not():
    assert result("units", lambda x: x / 10).column == "column 0"
    assert result("units", StandardScaler()).outcome == "kept"


def test_filling_from_later_values_looks_into_the_future():
    def fill(how):
        return lambda x: getattr(pd.DataFrame(x).where(x > 9), how)().fillna(0).values

    x = X[:, :2]

    assert result("future", fill("bfill"), x).outcome == "broken"
    assert result("future", fill("ffill"), x).outcome == "kept"


def test_holes_that_later_values_fill_break_wherever_they_are():
    x = pd.DataFrame({"level": np.cumsum(X[:, 0] - 10)})
    x.loc[7::4, "level"] = np.nan

    def windows(frame):
        return np.column_stack([frame["level"].shift(it) for it in range(3)])[2:]

    assert result("future", lambda f: windows(f.interpolate()), x).outcome == "broken"
    assert result("future", lambda f: windows(f.ffill()), x).outcome == "kept"


def test_a_row_of_an_earlier_target_is_reported_before_one_of_the_target_itself():
    def prepare(frame):
        level = frame["level"]
        mean = level.rolling(7, center=True, min_periods=1).mean()
        made = pd.DataFrame({"now": level, "mean": mean, "next": level.shift(-1)})
        made = made.dropna()
        return made[["now", "mean"]].to_numpy(), made["next"].to_numpy()

    made = result("future", prepare, pd.DataFrame({"level": np.cumsum(X[:, 0] - 10)}))

    row, cut = made.rows
    assert made.message.startswith(
        f"future: row {row} changes when values after row {cut} change"
    )
    assert row <= cut


@pytest.mark.parametrize("leak", ["the target", "a mean that holds it"])
def test_a_row_that_holds_its_own_target_breaks(leak):
    x = pd.DataFrame({"level": np.cumsum(X[:, 0] - 10), "load": X[:, 1]})

    def prepare(frame, leaks=True):
        level = frame["level"]
        mean = level.rolling(3, center=leaks).mean()
        ahead = level.shift(-1 if leaks else 1)
        beside = mean if leak == "a mean that holds it" else ahead
        made = pd.DataFrame({"now": level, "beside": beside, "load": frame["load"]})
        made = made.assign(next=level.shift(-1)).dropna()
        return made.drop(columns="next").to_numpy(), made["next"].to_numpy()

    made = result("future", prepare, x)

    assert made.column == "level"
    assert "changes with that target" in made.message
    assert result("future", lambda f: prepare(f, leaks=False), x).outcome == "kept"


# strict


def drawn(x):
    return x + np.random.default_rng().normal(0, 1, x.shape)


def pooled(x):
    return np.repeat(x.mean(axis=1), 2)


@pytest.mark.parametrize(
    ("relation", "prepare", "reason"),
    [
        ("alone", pooled, "Serving makes 120 rows of 60, not one of each."),
        ("future", pooled, "120 rows come out of 60: their times are not known."),
        ("types", lambda x: float(x.sum()), "What came out is one float."),
    ],
)
def test_what_could_not_be_checked_fails_only_if_strict(relation, prepare, reason):
    loose = result(relation, prepare, serve=prepare)
    strict = result(relation, prepare, serve=prepare, strict=True)

    assert loose.outcome == "skipped"
    assert strict.outcome == "broken"
    assert strict.finding.kind == f"contract_{relation}"
    first, _, *output = strict.message.splitlines()
    assert first == (
        f"{relation}: it could not be checked, but strict=True requires it"
    )
    assert output[0] == reason
    assert f"contracts({relation}=False)" in strict.message


@pytest.mark.parametrize("relation", ["alone", "columns", "own_label", "requests"])
def test_what_does_not_apply_passes_though_strict(relation):
    assert result(relation, same, strict=True).outcome == "skipped"


def test_what_cannot_be_repeated_is_reported_once_though_strict():
    with pytest.raises(pytest_lossguard.ContractBroken) as caught:
        pytest_lossguard.contracts(drawn, X, serve=same, strict=True)

    assert [it.kind for it in caught.value.findings] == ["contract_deterministic"]


def test_what_could_not_be_checked_is_tolerated_by_allow():
    found = pytest_lossguard.contracts(
        pooled, X, serve=pooled, strict=True, allow=list(DEFAULTS)
    )

    assert "contract_alone" in [it.kind for it in found]


# What is taken


def test_nested_inputs_lists_and_bound_methods_are_taken():
    class Kept:
        def prepare(self, x):
            self.mean = x["a"].mean(axis=0)
            return self.serve(x)

        def serve(self, x):
            return {"a": x["a"] - self.mean, "words": [len(it) for it in x["words"]]}

    made = Kept()
    x = {"a": X, "words": [f"word {it}" for it in range(len(X))]}

    assert pytest_lossguard.contracts(made.prepare, x, serve=made.serve) == ()


def test_the_callers_data_are_left_as_they_came():
    x, before = FRAME.copy(), FRAME.copy()

    def prepare(frame):
        frame["a"] = 0.0 * frame["a"] + frame["b"]
        return frame.to_numpy()

    with pytest.raises(pytest_lossguard.ContractBroken):
        pytest_lossguard.contracts(prepare, x)
    pd.testing.assert_frame_equal(x, before)


def test_a_class_is_refused_with_what_to_give():
    with pytest.raises(pytest_lossguard.UsageError, match="StandardScaler"):
        pytest_lossguard.contracts(StandardScaler, X)


def test_a_fitted_transformer_leaves_as_it_came():
    scaler = StandardScaler().fit(X * 2)
    before = scaler.mean_.copy()

    pytest_lossguard.contracts(make_pipeline(FunctionTransformer(), scaler), X, Y)

    assert (scaler.mean_ == before).all()


def test_an_error_on_the_sample_itself_is_the_users():
    def prepare(x):
        raise RuntimeError("no such file")

    with pytest.raises(RuntimeError, match="no such file"):
        pytest_lossguard.contracts(prepare, X)


def test_copies_that_are_augmented_are_no_fault():
    def prepare(x, y):
        noise = np.random.default_rng(0).normal(0, 0.1, x.shape)
        return np.concatenate([x, x + noise]), np.concatenate([y, y])

    assert result("trained", prepare, X, Y, serve=same).outcome == "kept"
