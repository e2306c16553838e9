"""Wrong calls of the public surface: each is answered by one sentence of ours.

A row is a call, with @ for what is given, the values that are wrong there, and words of
the sentence. What is refused leaves models, seeds and patches as they were.
"""

from __future__ import annotations

import random
from functools import partial
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import pytest_lossguard
from pytest_lossguard import NotConverged, Policy, UsageError, corruptions, strategies
from pytest_lossguard.core.given import one_line, shown
from pytest_lossguard.plugin.failures import leave_out_own_frames

#: Characters that a reader takes in at once.
LONGEST = 300

X = np.random.default_rng(0).standard_normal((20, 4)).astype("float32")
Y = X.sum(1, keepdims=True)
DATA = tf.data.Dataset.from_tensor_slices((X, Y)).batch(5)
HUGE = np.zeros(10**6)


def make(*layers, loss="mse", optimizer="sgd"):
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile(optimizer, loss)
    return model


def build(units=1):
    return make(keras.layers.Dense(units))


def needs(units):
    return build(units)


def uncompiled():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])


def without_loss():
    return make(keras.layers.Dense(1), loss=None)


def frozen():
    return make(keras.layers.Dense(1, trainable=False))


def classes():
    return make(keras.layers.Dense(3), loss="sparse_categorical_crossentropy")


def classes_by_class():
    return make(keras.layers.Dense(3), loss="SparseCategoricalCrossentropy")


def two_inputs():
    first, second = keras.Input((4,)), keras.Input((4,))
    made = keras.layers.Dense(1)(keras.layers.Add()([first, second]))
    model = keras.Model([first, second], made)
    model.compile("sgd", "mse")
    return model


async def later():
    return build()


class Mine(keras.Model):
    pass


class Hostile:
    """What answers every question by an error."""

    def _refuse(self, *args):
        raise RuntimeError("ask me nothing")

    __getattr__ = __repr__ = __eq__ = __hash__ = __len__ = __iter__ = __bool__ = _refuse


MODEL, LAYER = build(), keras.layers.Dense(1)
UNCOMPILED, WITHOUT_LOSS, FROZEN = uncompiled(), without_loss(), frozen()
NAMES = {
    **{name: getattr(corruptions, name) for name in corruptions.__all__},
    **{name: getattr(pytest_lossguard, name) for name in pytest_lossguard.__all__},
    **globals(),
    "strategies": strategies,
    "partial": partial,
    "pd": pd,
    "nan": float("nan"),
    "inf": float("inf"),
    "STRINGS": np.array([["a"] * 4] * 20),
    "NAN": np.full_like(X, np.nan),
}

COUNTS = ["0", "-1", "2.5", "3.0", "True", "'3'", "nan", "inf", "[3]", "HUGE", "10**12"]
COUNTS += ["10**5000", "False", "''", "np.float64(3)", "np.array([1, 2])"]
NO_SEED = ["-3", "'a'", "2.5", "True", "2**32", "10**5000", "nan", "[1, 2]", "HUGE"]
NO_NUMBER = ["nan", "inf", "'a'", "True", "[1]", "HUGE", "10**400", "10**5000", "1j"]
NO_FLAG = ["1", "0", "1.0", "'yes'", "None", "[]", "nan", "HUGE"]
NO_SEEDS = ["0", "-1", "()", "(1, 1)", "(1, -1)", "(1, 'a')", "'12'", "2.5", "True"]
NO_SEEDS += ["nan", "10**12", "range(10**30)", "range(0)", "(2**32,)", "HUGE", "{1}"]
NO_BOUNDS = ["3", "None", "1", "(1, 2, 3)", "('a', 'b')", "(10, 1)", "(nan, 1)", "()"]
NO_BOUNDS += ["(1, inf)", "(10**400, 10**401)", "(1, 10**5000)", "HUGE", "{1, 2}"]
NO_FEATURES = ["0", "-1", "2.5", "True", "()", "(0, -1)", "(0, True)", "'height'"]
NO_FEATURES += ["10**12", "10**5000", "range(10**30)", "range(-3, 3)", "(10**30,)"]
NO_FEATURES += ["HUGE", "{0}"]
NO_POLICY = ["'strict'", "{'steps': 3}", "Policy", "HUGE"]

MODELS = [
    ("lossguard.fit(@, X, Y)", ["None", "'build'", "3", "[MODEL]"], "or a function"),
    ("lossguard.fit(@, X, Y)", ["keras.Sequential", "Mine"], "got the class"),
    ("lossguard.fit(@, X, Y)", ["LAYER"], "got Dense"),
    (
        "lossguard.fit(@, X, Y)",
        ["needs", "lambda *, units: 1"],
        "must take no arguments",
    ),
    ("lossguard.fit(@, X, Y)", ["lambda: None", "lambda: (build(), X)"], "it returned"),
    ("lossguard.fit(@, X, Y)", ["later", "lambda: Mine"], "it returned"),
    ("lossguard.fit(@, X, Y)", ["uncompiled", "UNCOMPILED"], "call model.compile("),
    ("lossguard.fit(@, X, Y)", ["without_loss", "WITHOUT_LOSS"], "without a loss"),
    ("lossguard.fit(@, X, Y)", ["frozen", "FROZEN"], "no trainable variable"),
]
INPUTS = [
    ("lossguard.fit(MODEL, @, Y)", ["None", "[]", "{}", "()"], "give the inputs as x"),
    ("lossguard.fit(MODEL, @, Y)", ["X.tolist()", "'X'", "3", "{1}"], "numpy.asarray"),
    ("lossguard.fit(MODEL, @, Y)", ["lambda: X", "np.float32(3)"], "numpy.asarray"),
    ("lossguard.fit(MODEL, @, Y)", ["STRINGS", "tf.constant(STRINGS)"], "encode it"),
    ("lossguard.fit(MODEL, @, Y)", ["X.astype(object)", "X + 1j"], "encode it first"),
    ("lossguard.fit(MODEL, @, Y)", ["pd.DataFrame(STRINGS)"], "encode it first"),
    ("lossguard.fit(MODEL, @, Y)", ["X[:, :0]"], "at least one column"),
    (
        "lossguard.fit(MODEL, @, Y)",
        ["X[:0]", "X[:5]", "X[0]", "X[None]"],
        "as many rows",
    ),
    ("lossguard.fit(MODEL, @)", ["X[:0], Y[:0]", "X[:0]"], "got no rows"),
    ("lossguard.fit(MODEL, @, Y)", ["iter([X])", "(it for it in X)"], "from_generator"),
    ("lossguard.fit(MODEL, @, Y)", ["tf.sparse.from_dense(X)"], "is a SparseTensor"),
    ("lossguard.fit(MODEL, @, Y)", ["X[:, :3]", "X[:, None]"], "has shape (rows, "),
    ("lossguard.fit(MODEL, @, Y)", ["[X, X]"], "holds 2 arrays"),
    ("lossguard.fit(MODEL, @, Y)", ["{'a': X}"], "is a dict"),
    ("lossguard.fit(two_inputs, @, Y)", ["X", "[X]", "[X, None]"], "takes 2 inputs"),
    ("lossguard.fit(two_inputs, @, Y)", ["[X, X[:, :2]]"], "has shape (rows, 2)"),
    ("lossguard.fit(two_inputs, @, Y)", ["[X, X[:5]]"], "5 and 20 rows"),
]
LABELS = [
    ("lossguard.fit(MODEL, X, @)", ["None"], "y is missing"),
    ("lossguard.fit(MODEL, X, @)", ["Y[:5]", "Y[:0]"], "y has"),
    ("lossguard.fit(MODEL, X, @)", ["Y.tolist()", "'Y'", "3"], "numpy.asarray"),
    ("lossguard.fit(MODEL, X, @)", ["STRINGS", "tf.constant(['a'] * 20)"], "encode it"),
    ("lossguard.fit(MODEL, X, @)", ["np.ones((20, 3))"], "do not fit the output"),
    ("lossguard.fit(MODEL, X, @)", ["np.ones((20, 0))"], "at least one column"),
    ("lossguard.fit(MODEL, X, @)", ["[Y, Y]", "{'a': Y}"], "has one output"),
    ("lossguard.fit(MODEL, X, @)", ["iter([Y])"], "y is a list_iterator"),
    ("lossguard.fit(classes, X, @)", ["np.full(20, 7)"], "y holds the class 7"),
    ("lossguard.fit(classes_by_class, X, @)", ["np.full(20, 7)"], "y holds the class"),
    ("lossguard.fit(classes, X, @)", ["np.full(20, -1)"], "y holds the class -1"),
    ("lossguard.fit(classes, X, @)", ["np.full(20, nan)"], "y holds the class nan"),
    ("lossguard.fit(classes, X, @)", ["np.full(20, 0.5)"], "not whole"),
    ("lossguard.fit(classes, X, @)", ["np.ones((20, 3))"], "np.argmax(y, axis=-1)"),
]
WEIGHTS = [
    ("lossguard.fit(MODEL, X, Y, sample_weight=@)", ["np.ones(5)"], "5 rows"),
    ("lossguard.fit(MODEL, X, Y, sample_weight=@)", ["'w'", "1.0"], "numpy.asarray"),
    ("lossguard.fit(MODEL, X, Y, sample_weight=@)", ["{0: 1.0}"], "numpy.asarray"),
    ("lossguard.fit(MODEL, X, Y, sample_weight=@)", ["STRINGS"], "encode it"),
    ("lossguard.fit(MODEL, X, Y, sample_weight=@)", ["np.ones((20, 7))"], "one weight"),
]
HELD_OUT = [
    (
        "lossguard.fit(MODEL, X, Y, validation_data=@)",
        ["0.2", "X", "[X, Y]", "(X,)", "(X, Y, None, 1)", "'v'", "iter([X])", "False"],
        "must be a tuple (x, y)",
    ),
    ("lossguard.fit(MODEL, X, Y, validation_data=@)", ["(X, Y[:3])"], "y has 3 rows"),
    ("lossguard.fit(MODEL, X, Y, validation_data=@)", ["(X[:0], Y[:0])"], "is empty"),
    (
        "lossguard.fit(MODEL, X, Y, validation_data=@)",
        ["(NAN, Y)", "(X, NAN[:, :1])"],
        "of validation_data holds no finite number",
    ),
    (
        "lossguard.fit(MODEL, X, Y, validation_data=@)",
        ["(X[:, :3], Y)", "([X, X], Y)", "DATA.map(lambda a, b: (a[:, :2], b))"],
        "x of validation_data",
    ),
    ("lossguard.fit(MODEL, X, Y, validation_data=@)", ["(X, None)"], "have labels"),
    (
        "lossguard.fit(MODEL, X, Y, validation_data=@)",
        ["(None, Y)", "(STRINGS, Y)", "(X.tolist(), Y)", "(X, np.ones((20, 3)))"],
        "of validation_data",
    ),
    ("lossguard.fit(MODEL, X, Y, validation_data=@)", ["DATA.unbatch()"], ".batch(32)"),
    ("lossguard.fit(MODEL, X, Y, validation_data=@)", ["DATA.take(0)"], "no batch"),
]
DATASETS = [
    ("lossguard.fit(MODEL, @)", ["DATA, Y", "DATA, sample_weight=Y"], "yields them"),
    ("lossguard.fit(MODEL, @)", ["DATA, batch_size=5"], "use .batch(5) there"),
    ("lossguard.fit(MODEL, @)", ["DATA.unbatch()", "DATA.range(5)"], "add .batch(32)"),
    ("lossguard.fit(MODEL, @)", ["DATA.take(0)"], "it yields no batch"),
    ("lossguard.fit(MODEL, @)", ["DATA.map(lambda a, b: a)"], "y is missing"),
    (
        "lossguard.fit(MODEL, @)",
        ["DATA.map(lambda a, b: (a[:, :2], b))"],
        "x has shape",
    ),
    ("lossguard.fit(MODEL, @)", ["DATA.map(lambda a, b: (a, b, b, b))"], "tuples of 4"),
    (
        "lossguard.fit(MODEL, @)",
        ["DATA.map(lambda a, b: (tf.as_string(a), b))"],
        "x holds text",
    ),
    ("lossguard.fit(MODEL, @)", ["DATA.repeat(), epochs=2"], "never ends"),
    ("lossguard.fit(MODEL, @)", ["DATA, epochs=9_999_999"], "39,999,996 updates"),
]
HOW = [
    *(
        (f"lossguard.fit(MODEL, X, Y, {it}=@)", COUNTS, f"{it} must be a whole number")
        for it in ("steps", "epochs", "batch_size")
    ),
    ("lossguard.fit(MODEL, X, Y, @)", ["steps=2, epochs=2"], "give only one"),
    ("lossguard.fit(MODEL, X, Y, batch_size=1, @)", ["epochs=10**6"], "ask for fewer"),
    ("lossguard.fit(MODEL, HUGE, HUGE, batch_size=10**4, @)", ["steps=10**6"], "fewer"),
    ("lossguard.fit(MODEL, X, Y, seed=@)", NO_SEED, "seed must be a whole number"),
    ("lossguard.fit(MODEL, X, Y, shuffle=@)", NO_FLAG, "shuffle must be True or False"),
    (
        "lossguard.fit(MODEL, X, Y, @)",
        ["verbose=0", "class_weight={0: 1}", "validation_split=0.2", "callbacks=[]"],
        "no argument",
    ),
    ("lossguard.fit(MODEL, X, Y, @)", ["stpes=3"], "did you mean 'steps'"),
    ("lossguard.margins(MODEL, X, Y, @)", ["foo=1"], "no argument 'foo'"),
    ("lossguard.margins(MODEL, X, Y, @)", ["seed=-1", "steps=0"], "a whole number"),
    ("lossguard.watch(@)", ["3", "X", "build", "b'a'"], "name must be a text or None"),
    ("lossguard.watch().__enter__().run", [""], "0 trainings are known"),
    ("lossguard.plot(@)", ["3", "None", "[1]", "HUGE"], "takes a TrainingRun"),
    ("plot(@)", ["3", "None", "build"], "takes a TrainingRun"),
]
API = [
    row
    for name in ("diagnose", "margins")
    for row in (
        (f"{name}(MODEL, X, Y, seed=@)", [*NO_SEED, "None"], "seed must be"),
        (f"{name}(MODEL, X, Y, policy=@)", NO_POLICY, "policy must be a pytest_lo"),
        (f"{name}(MODEL, X, Y, @)", ["foo=1", "verbose=0"], "no argument"),
        (f"{name}(MODEL, X, Y, @)", ["batch_size=0", "steps=10**12"], "a whole number"),
        (f"{name}(MODEL, X, Y, @)", ["shuffle='x'"], "True or False"),
        (f"{name}(@)", ["Mine, X, Y", "None, X, Y"], "needs a compiled keras.Model"),
        (f"{name}(@)", ["MODEL, X, Y[:3]"], "y has 3 rows"),
    )
] + [("diagnose(MODEL, X, Y, budget=@)", [*NO_NUMBER, "0", "-1", "None"], "seconds")]
FINDINGS = [
    (
        "finding(@, 'm')",
        ["'slow'", "3", "None", "'A:B'", "''"],
        "kind must be a lower-case name",
    ),
    ("finding('a:b', @)", ["3", "None", "''", "X"], "message must be a sentence"),
    ("finding('a:b', 'm', severity=@)", ["'fatal'", "1", "['error']"], "'warning'"),
    ("finding('a:b', 'm', step=@)", ["'x'", "2.5", "-1", "0", "nan"], "counted from 1"),
    ("finding('a:b', 'm', value=@)", ["'x'", "X", "1j", "10**400"], "must be a number"),
    ("finding('a:b', 'm', limit=@)", ["'x'", "X", "True"], "limit must be a number"),
    ("finding('a:b', 'm', @)", ["where=3", "hint=3", "headline=3"], "must be a"),
]
SPACES = [
    *(
        (f"strategies.corruptions({it}=@)", values, f"corruptions({it}=")
        for it in ("scales", "targets", "mixed_units", "offsets")
        for values in [NO_BOUNDS]
    ),
    *(
        (f"strategies.corruptions({it}=@)", values, f"corruptions({it}=")
        for it in ("outliers", "missing", "duplicates", "imbalance", "flipped", "rows")
        for values in [["-1", "nan", "inf", "'a'", "None", "(1, 2)", "0", "10**5000"]]
    ),
    ("strategies.corruptions(rows=@)", ["2.5", "10**12", "HUGE"], "the fewest rows"),
    ("strategies.corruptions(constant=@)", ["3", "1", "0", "None"], "True or False"),
    ("strategies.corruptions(sorted_rows=@)", ["'a'", "HUGE"], "True or False"),
    (
        "strategies.corruptions(dtype=@)",
        ["3", "'float31'", "()", "('float16', ['a'])", "np.float32", "'x' * 10**4"],
        "corruptions(dtype=",
    ),
    (
        "strategies.corruptions(features=@)",
        NO_FEATURES,
        "features must be their number",
    ),
    (
        "strategies.corruptions(@)",
        ["scales=False, offsets=False, outliers=False"],
        "nothing to draw",
    ),
]
FAMILIES = [
    *(
        (f"{it}(@)", [*NO_NUMBER, "None"], "must be a finite number")
        for it in ("Scale", "Offset", "Outliers", "TargetScale", "TargetOutliers")
    ),
    *(
        (f"{it}(@)", ["0", "-0.1", "2", *NO_NUMBER], "above 0 and at most 1")
        for it in ("MissingValues", "DuplicateRows", "FlippedLabels", "Imbalance")
    ),
    ("FewRows(@)", [*COUNTS], "must be a whole number"),
    ("Outliers(2.0, rows=@)", ["0", "2.5", "'a'", "10**30"], "must be a whole number"),
    ("MixedUnits(2.0, share=@)", ["0", "2", "'a'", "nan"], "above 0 and at most 1"),
    ("Imbalance(0.5, label=@)", ["-1", "'a'", "0.5", "True"], "must be a whole number"),
    (
        "Scale(2.0, features=@)",
        ["2.5", "()", "[0]", "True", "HUGE"],
        "features must be",
    ),
    ("SortedRows(@)", ["2.5", "True", "[0]", "(0,)"], "feature must be"),
    ("Dtype(@)", ["3", "'float31'", "np.float32", "'x' * 10**4"], "must be one of"),
    ("Corruption(@)", ["3", "Scale", "None", "Corruption()", "HUGE"], "takes families"),
    ("Corruption(Scale(2.0))(@)", ["None", "[]", "{}"], "no array to act on"),
    (
        "Corruption(Scale(2.0))(@)",
        ["'abc'", "3", "iter([X])", "STRINGS", "{1}"],
        "give",
    ),
    ("Corruption(Scale(2.0))(@)", ["X, Y[:3]", "X, 3", "X[:0], Y[:0]"], "give"),
    ("Corruption(Scale(2.0))(@)", ["DATA, Y", "DATA.repeat()", "DATA.take(0)"], ":"),
    ("Corruption(Scale(2.0, features=@))(X)", ["9", "-1", "10**5000"], "no feature"),
    ("Corruption(Scale(2.0, features=@))(X)", ["'h'", "'x' * 10**4"], "no numeric"),
    ("Corruption(@)(X, Y)", ["Imbalance(0.5)", "FlippedLabels(0.5)"], "class labels"),
    ("Corruption(@)(X)", ["TargetScale(2.0)", "SortedRows()"], "got none"),
    (
        "Corruption.from_json(@)",
        ["3", "None", "{}", "[3]", "[{}]", "[{'family': ['Scale']}]", "'[]'", "HUGE"],
        "give the result of to_json()",
    ),
    (
        "Corruption.from_json([{'family': 'Scale', @}])",
        ["'factor': 2.0, 'x': 3"],
        "made",
    ),
]
OPTIONAL = ("min_drop", "max_loss", "max_grad_norm", "budget")
KEYS = [
    *((it, COUNTS) for it in ("steps", "epochs", "batch_size", "max_examples")),
    *((it, NO_NUMBER) for it in OPTIONAL),
    *((it, [*NO_NUMBER, "None"]) for it in ("max_loss_growth", "min_pass")),
    *((it, ["0", "-1"]) for it in ("max_grad_norm", "budget", "min_pass")),
    *((it, ["30", "-1"]) for it in ("min_drop", "min_pass")),
    *((it, NO_FLAG) for it in ("strict", "baseline", "diagnose")),
    ("seeds", NO_SEEDS),
    ("allow", ["3", "None", "('plateau', 3)", "b'plateau'", "HUGE", "{'plateau': 1}"]),
]
ANYWHERE = [
    (call, [f"{name}=Hostile()" for name in names.split()], "a Hostile")
    for call, names in {
        "lossguard.fit(MODEL, X, Y, @)": "steps epochs batch_size seed shuffle",
        "margins(MODEL, X, Y, @)": "validation_data seed policy",
        "Policy(@)": "steps min_drop max_loss seeds allow strict budget",
        "strategies.corruptions(@)": "scales outliers rows constant dtype features",
        "finding('a:b', 'm', @)": "severity step value where hint headline",
        "Scale(@)": "factor",
        "Corruption.from_json(@)": "parts",
    }.items()
]
POLICIES = [
    *(
        (f"Policy.from_keywords({{'{key}': @}})", values, f"{key} must be")
        for key, values in KEYS
    ),
    (
        "Policy.from_keywords({'allow': @})",
        ["'nothing'", "['dead_unit']", "':'", "('A:B',)", "'x' * 10**4", "''"],
        "which is not a finding kind",
    ),
    ("Policy.from_keywords({'shards': @})", ["0", "HUGE"], "from 1 to 256"),
    ("Policy.from_keywords({@: 1})", ["'min_dorp'"], "did you mean 'min_drop'"),
    ("Policy.from_keywords({@: 1})", ["'x' * 10**4", "3"], "known are allow, "),
    ("Policy(@)", ["steps='a'", "seeds=10**9", "strict=0"], "Policy("),
    ("RUN.assert_converged(@)", ["min_drop=30"], "assert_converged(min_drop=30)"),
    ("RUN.assert_converged(@)", ["foo=1"], "assert_converged() has no key 'foo'"),
]

ROWS = [
    pytest.param(call.replace("@", value), words, id=one_line(call.replace("@", value)))
    for call, values, words in [
        *(*MODELS, *INPUTS, *LABELS, *WEIGHTS, *HELD_OUT, *DATASETS, *HOW, *API),
        *(*FINDINGS, *SPACES, *FAMILIES, *POLICIES, *ANYWHERE),
    ]
    for value in values
]


@pytest.fixture(scope="module")
def run(request):
    from tests.support.traces import falling, make_trace

    return pytest_lossguard.TrainingRun(
        SimpleNamespace(trace=make_trace(falling()), converged=True, findings=())
    )


@pytest.mark.parametrize(("call", "words"), ROWS)
def test_a_wrong_call_is_answered_by_one_sentence(lossguard, run, call, words):
    before = everything()

    with pytest.raises(UsageError) as caught:
        eval(
            compile(call, "<call>", "eval"),
            {**NAMES, "RUN": run},
            {"lossguard": lossguard},
        )

    said = str(caught.value)
    assert words in said
    assert "\n" not in said
    assert len(said) <= LONGEST
    assert last_frame(caught) == "<call>"
    assert everything() == before


def everything():
    """What a refused call could have changed."""
    return (
        [it.tobytes() for it in MODEL.get_weights()],
        np.random.get_state()[1].tobytes(),
        random.getstate(),
        (tf.GradientTape.gradient, keras.Model.fit, keras.optimizers.Optimizer.apply),
    )


def last_frame(caught):
    """The file of the last frame that pytest shows."""
    call = SimpleNamespace(excinfo=caught)
    item = SimpleNamespace(config=SimpleNamespace(getoption=lambda *_, **__: False))
    leave_out_own_frames(item, call)
    at = call.excinfo.value.__traceback__
    while at.tb_next is not None:
        at = at.tb_next
    return at.tb_frame.f_code.co_filename


def test_there_are_many_of_them():
    assert len(ROWS) > 130


def by_name():
    inputs = {"a": keras.Input((4,), name="a"), "b": keras.Input((1,), name="b")}
    joined = keras.layers.Concatenate()([inputs["a"], inputs["b"]])
    model = keras.Model(inputs, {"y": keras.layers.Dense(1, name="y")(joined)})
    model.compile("sgd", {"y": "mse"})
    return model


def words():
    layers = [keras.layers.Embedding(9, 4), keras.layers.Dense(3)]
    model = keras.Sequential([keras.Input((None,)), *layers])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(ignore_class=9))
    return model


def texts():
    layer = keras.layers.StringLookup(vocabulary=["a", "b"], output_mode="one_hot")
    layers = [keras.Input((1,), dtype="string"), layer, keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile("sgd", "mse")
    return model


TOKENS = np.arange(40).reshape(20, 2) % 9
TAGS = np.where(TOKENS == 0, 9, TOKENS % 3)
TEXTS = tf.data.Dataset.from_tensor_slices((np.array([["a"], ["b"]] * 10), Y)).batch(5)


@pytest.mark.parametrize(
    "call",
    [
        "lossguard.fit(by_name, {'a': X, 'b': Y[:, 0]}, {'y': Y}, steps=2)",
        "lossguard.fit(words, TOKENS, TAGS, sample_weight=np.ones((20, 2)), steps=2)",
        "lossguard.fit(texts, TEXTS, steps=2)",
        "lossguard.fit(classes, X, np.arange(20.0) % 3, steps=2)",
        "lossguard.fit(classes, X, np.arange(20)[:, None] % 3, steps=2)",
        "lossguard.fit(MODEL, X, Y, steps=np.int64(2), seed=np.uint32(3))",
        "lossguard.fit(MODEL, X, Y, epochs=1, batch_size=np.int8(7), shuffle=np.True_)",
        "lossguard.fit(partial(needs, units=1), X, Y[:, 0], steps=2)",
        "lossguard.fit(lambda units=1: build(units), X[..., None], Y, steps=2)",
        "lossguard.fit(two_inputs, (X, X), Y, sample_weight=np.ones((20, 1)), steps=2)",
        "lossguard.fit(MODEL, X, Y, validation_data=(X, Y, np.ones(20)), steps=2)",
        "Policy(steps=np.int64(3), strict=np.True_, seeds=[1, 2])",
        "strategies.corruptions(scales=np.True_, features=np.int64(3))",
        "strategies.corruptions(scales=(1, 1e308), outliers=1e308, offsets=(0, 1e308))",
        "finding('a:b', 'm', value=nan, limit=np.float32(1), step=np.int64(2))",
    ],
)
def test_what_can_be_meant_is_taken(lossguard, call):
    assert eval(call, globals() | NAMES, {"lossguard": lossguard}) is not None


def test_numbers_of_numpy_become_numbers_of_python():
    policy = Policy(steps=np.int64(3), min_drop=np.float32(0.5), seeds=np.int8(2))

    assert [type(it) for it in (policy.steps, policy.min_drop, policy.seeds)] == [
        *(int, float, int)
    ]


def test_counted_seeds_go_on_at_0_where_there_are_no_larger_ones():
    assert Policy(seeds=3).seed_list(2**32 - 1) == (2**32 - 1, 0, 1)


def test_what_a_factory_raises_is_the_users_own_error(lossguard):
    def broken():
        return {}["layers"]

    with pytest.raises(KeyError, match="layers"):
        lossguard.fit(broken, X, Y)


def test_a_model_with_a_step_of_its_own_takes_what_data_it_likes(lossguard):
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(1)

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            x, _ = data
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(self(x) ** 2)
            own = self.trainable_variables
            self.optimizer.apply(tape.gradient(loss, own), own)
            return {"loss": loss}

    model = Own()
    model.compile("sgd")

    assert len(lossguard.fit(model, X, np.ones((20, 7)), steps=2).loss) == 2


@pytest.mark.parametrize(
    ("value", "output"),
    [
        (np.zeros((3, 4)), "ndarray of shape (3, 4)"),
        ([np.zeros((3, 4))], "[array of shape (3, 4)]"),
        pytest.param(10**5000, "10**5000", id="huge"),
        (Mine, "the class Mine"),
        ("a\nb\x1b[31m", r"'a\nb\x1b[31m'"),
        (list(range(1000)), "[0, 1, 2, 3, 4, 5, ...]"),
        ("x" * 1000, None),
        (SimpleNamespace(text="line\n" * 50), None),
        ({1: {2: {3: list(range(100))}}}, None),
    ],
)
def test_a_value_is_shown_in_one_short_line(value, output):
    found = shown(value)

    assert output in (None, found)
    assert len(found) <= 60
    assert found.isprintable()


def test_a_failed_verdict_is_no_usage_error(lossguard):
    assert not lossguard.fit(MODEL, NAMES["NAN"], Y, steps=2).converged
    assert not issubclass(NotConverged, UsageError)
