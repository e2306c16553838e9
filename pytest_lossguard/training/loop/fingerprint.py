"""Fingerprints of models: models with the same fingerprint share a traced loop."""

from __future__ import annotations

import json
import re
import warnings
from typing import Any

from ..backend.frameworks import is_of_keras, keras
from ..backend.private_api import flat_layers


def fingerprint_of(model: Any) -> str | None:
    """Return a string that is equal for two models if one traced loop can train both.

    Returns:
        None if the model uses custom code, which is not part of its configuration; the
        model then shares its loop with no other.
    """
    if type(model) not in (keras.Sequential, keras.Model) and not _is_functional(model):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about custom objects, rejected below
            described = keras.saving.serialize_keras_object(model)
        text = json.dumps(described, sort_keys=True)
    except (TypeError, ValueError, NotImplementedError, AttributeError):
        return None
    if _has_own_code(model, text) or _names_own_class(described):
        return None
    return _renumbered(text, model) + str([tuple(it.shape) for it in model.variables])


def _is_functional(model: Any) -> bool:
    return is_of_keras(type(model)) and hasattr(model, "inputs")


def _has_own_code(model: Any, text: str) -> bool:
    layers = flat_layers(model)
    # The result of adapt is not in the configuration; a Normalization layer keeps it
    # in its variables.
    adapted = (it for it in layers if hasattr(it, "adapt"))
    if not all(isinstance(it, keras.layers.Normalization) for it in adapted):
        return True
    if not all(is_of_keras(type(it)) for it in [*layers, model.optimizer]):
        return True
    return bool(re.search(r'"class_name": "(function|__lambda__|Lambda)"', text))


def _names_own_class(described: Any) -> bool:
    """Whether the configuration names a custom class, as of a loss or metric: two of
    its objects may differ in attributes that the configuration omits.
    """
    if isinstance(described, dict):
        module = described.get("module", "keras")
        ours = str(module).partition(".")[0] in ("keras", "builtins")
        return not ours or any(map(_names_own_class, described.values()))
    if isinstance(described, list | tuple):
        return any(map(_names_own_class, described))
    return False


def _renumbered(text: str, model: Any) -> str:
    """Renumber automatic names from 0, independent of the models built before."""
    named = [model, model.optimizer, *flat_layers(model)]
    first = [it.name for it in named if it.name == _automatic_name(it)]
    numbers: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        name = match.group(0)
        return f'"name#{numbers.setdefault(name, len(numbers))}"'

    plain = "".join(f"|{re.escape(name)}" for name in dict.fromkeys(first))
    return re.sub(rf'"(?:[a-z][a-z0-9_]*_\d+{plain})"', number, text)


def _automatic_name(layer: Any) -> str:
    """Return the name that Keras gives the first layer of a class."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", type(layer).__name__)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
