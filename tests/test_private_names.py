"""Names that Keras, TensorFlow, pytest and Hypothesis keep private: one file each."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_lossguard

PACKAGE = Path(pytest_lossguard.__file__).parent
FILES = {"training/backend/private_api.py", "plugin/private_api.py", "strategies.py"}
#: What looks private and is allowed elsewhere, by file and name, with the reason.
ALLOWED = {
    (
        "training/backend/user_frames.py",
        "_getframe",
    ): "the standard library documents it",
    ("training/record/threads.py", "_getframe"): "the standard library documents it",
    (
        "training/record/threads.py",
        "_current_frames",
    ): "the standard library documents it",
    (
        "training/backend/user_frames.py",
        "_pytest.",
    ): "training must not import from the plugin",
    ("training/score/made_weights.py", "_kernel"): "the end of public names",
    ("corruptions/datasets.py", "_inputs"): "of a dataset; this is below training",
    ("corruptions/sample.py", "_fields"): "collections.namedtuple documents it",
}
INTERNAL = ("keras.src", "tensorflow.python", "_pytest", "hypothesis.internal")
PRIVATE = re.compile(r"__?[A-Za-z]\w*(?<!__)$")
BY_NAME = {"getattr", "hasattr", "setattr", "delattr", "attrgetter", "methodcaller"}
#: What takes a part of a name, or the name of something of ours.
NO_NAMES = {"endswith", "removesuffix", "NamedTuple", "TypeVar"}


def private_names(source: str) -> Iterator[str]:
    """Private names of others that a module uses, as far as its text shows."""
    tree = ast.parse(source)
    own = set(own_names(tree))
    parts = set(no_names(tree))
    for node in ast.walk(tree):
        for name in names_of(node):
            if node in parts and not name.startswith(INTERNAL):
                continue
            if not (PRIVATE.match(name) and (name in own or "_lossguard" in name)):
                yield name


def names_of(node: ast.AST) -> Iterator[str]:
    """Private names and modules that one piece of code uses."""
    match node:
        case ast.Import():
            yield from (it.name for it in node.names if is_internal(it.name))
        case ast.ImportFrom(module=str(module), level=0) if module != "__future__":
            full = [f"{module}.{it.name}" for it in node.names]
            yield from (it for it in full if is_internal(it))
        case ast.Attribute(value=ast.Name(id="self" | "cls")):
            pass
        case ast.Attribute(attr=name) if PRIVATE.match(name):
            yield name
        case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), args=args):
            if called in BY_NAME:
                made = (it for it in args if not isinstance(it, ast.Constant))
                yield from (it for it in map(start_of, made) if it.startswith("_"))
        case ast.Constant(value=str(text)) if text.startswith(
            INTERNAL
        ) or PRIVATE.match(text):
            yield text


def no_names(tree: ast.Module) -> Iterator[ast.AST]:
    """Texts that name no attribute: parts of others, and names of our types."""
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr(values=values):
                yield from values
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)):
                if called in NO_NAMES:
                    yield from node.args


def start_of(node: ast.AST) -> str:
    """The text that a name made in the code starts with."""
    match node:
        case ast.JoinedStr(values=[first, *_]):
            return start_of(first)
        case ast.BinOp(left=left):
            return start_of(left)
        case ast.Constant(value=str(text)):
            return text
    return ""


def is_internal(module: str) -> bool:
    return module.startswith(INTERNAL) or any(
        PRIVATE.match(it) for it in module.split(".")
    )


def own_names(tree: ast.Module) -> Iterator[str]:
    """Private attributes of the classes that a module defines."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(body=body):
                for it in body:
                    if isinstance(it, ast.FunctionDef | ast.AsyncFunctionDef):
                        yield it.name
                    elif isinstance(it, ast.AnnAssign) and isinstance(
                        it.target, ast.Name
                    ):
                        yield it.target.id
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                yield name


def used() -> set[tuple[str, str]]:
    """File and name of all private names used elsewhere."""
    files = {it.relative_to(PACKAGE).as_posix(): it for it in PACKAGE.rglob("*.py")}
    return {
        (name, private)
        for name, file in files.items()
        if name not in FILES
        for private in private_names(file.read_text(encoding="utf-8"))
    }


def test_private_names_of_others_are_used_in_their_files_only():
    """Otherwise: give the name a function or constant in a ``private_api``."""
    assert used() - ALLOWED.keys() == set()


def test_what_is_allowed_elsewhere_is_still_used():
    assert ALLOWED.keys() - used() == set()


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import keras.src.losses", "keras.src.losses"),
        ("from keras.src import losses", "keras.src.losses"),
        ("from tensorflow.python.eager import context", "tensorflow.python.eager."),
        ("def f():\n    from _pytest import fixtures", "_pytest.fixtures"),
        ("from keras import _tf_keras", "keras._tf_keras"),
        ("layers = model._flatten_layers()", "_flatten_layers"),
        ("loss = self.model._compile_loss", "_compile_loss"),
        ("loss = getattr(model, '_compile_loss', None)", "_compile_loss"),
        ("rate = operator.attrgetter('_learning_rate')", "_learning_rate"),
        ("NAME = '_keras_mask'", "_keras_mask"),
        ("NAMES = ('_keras_mask', 'mask')", "_keras_mask"),
        ("vars(tensor)['_keras_mask']", "_keras_mask"),
        ("mask = getattr(tensor, f'_keras_{name}')", "_keras_"),
        ("mask = getattr(tensor, '_keras_' + name)", "_keras_"),
        ("NAME = '__private_to_a_class'", "__private_to_a_class"),
        ("if module.startswith('tensorflow.python.data.'): pass", "tensorflow.python."),
    ],
)
def test_a_private_name_is_found_however_it_is_used(code, name):
    assert any(it.startswith(name) for it in private_names(code))


@pytest.mark.parametrize(
    "code",
    [
        "from __future__ import annotations",
        "from ._ours import _thing",
        "class A:\n    def f(self, other):\n        self._x = 1\n        other._x = 2",
        "class A:\n    def _f(self): ...\n    def g(self): A()._f()",
        "MARK = '_lossguard_space'",
        "text = line.endswith('_regularizer')",
    ],
)
def test_what_is_ours_is_left_alone(code):
    assert list(private_names(code)) == []
