"""What each relation says when it is broken."""

from __future__ import annotations

from ..core.checked import kinds_of

__all__ = ["KINDS"]

#: What to do, by relation.
_HINTS = {
    "deterministic": "Seed what draws: random_state=0, or a generator or a layer made"
    " inside the function, not once for the module.",
    "alone": "Fit once, in training; serving must only transform, with the statistics"
    " and categories that training kept.",
    "columns": "Select columns by name before they become an array:"
    " frame[list_of_columns].",
    "unseen": 'Give what is unknown a place: OneHotEncoder(handle_unknown="ignore"), an'
    " out-of-vocabulary token.",
    "types": "Cast to one type first, as x.astype('float32'), and scale by what the"
    " numbers mean, not by their type.",
    "zeros": "Use log1p, or add or clip to a small constant before a logarithm or"
    " division.",
    "missing": "Fill them on both paths (SimpleImputer), or refuse them with an error"
    " of your own.",
    "process": "Use a stable hash (hashlib, zlib.crc32), sort what comes from a set,"
    " and seed what draws.",
    "trained": "Let training and serving call the same function with the same fitted"
    " state.",
    "held_out": "Split first, then fit on the training part only.",
    "own_label": "Fit the encoding on other rows (TargetEncoder.fit_transform crosses"
    " folds), and keep the target out of the features.",
    "future": "Use windows that end at the row itself: rolling(n) without center=True,"
    " shift(+1), no bfill.",
    "kept": "Look at each step's output for this column, the first that is constant"
    " loses it.",
    "mixed": "Shuffle the rows before the dataset is made, or with a buffer as large as"
    " the data.",
    "requests": "Compute every feature from what a request holds, in the same units as"
    " in training.",
    "units": "Scale every column by what is fitted on the sample, not by a fixed"
    " number.",
}

#: By relation.
KINDS = kinds_of("contract_", _HINTS)
