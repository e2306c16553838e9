"""The findings of broken relations: their messages and explanations."""

from __future__ import annotations

from functools import partial

from ..core.checked import kind_of
from . import thresholds
from .policy import PREFIX

_kind = partial(kind_of, PREFIX)

_KINDS = (
    _kind(
        "deterministic",
        brief="prepared twice, it is the same",
        hint="Seed all random draws: use random_state=0, or create the generator or"
        " layer inside the function, not once per module.",
        seen="The sample is prepared twice from the same seed, and served twice. The"
        " results differ.",
        why="No result can be reproduced, and no other contract can be checked: each of"
        " them compares two runs.",
        limits=(thresholds.OF_SPREAD,),
    ),
    _kind(
        "alone",
        brief="a row served alone comes out as in a batch",
        hint="Fit once, in training; serving must only transform, with the statistics"
        " and categories that training kept.",
        seen="Rows are served alone, in small requests and in another order. A row"
        " comes out differently than when all rows are served together.",
        why="A service gets few rows at a time. If it fits a scaler, a mean or"
        " categories on them, the model sees numbers that it was never trained on.",
        limits=(thresholds.OF_SPREAD, thresholds.BY_REQUEST),
    ),
    _kind(
        "columns",
        brief="columns in another order: same, or an error",
        hint="Select columns by name before they become an array:"
        " frame[list_of_columns].",
        seen="Named columns are given in another order. The output changes without an"
        " error.",
        why="A query that returns its columns in another order feeds each feature to"
        " the weights of another one, and nothing crashes.",
        limits=(thresholds.OF_SPREAD,),
    ),
    _kind(
        "unseen",
        brief="a new category gives finite numbers",
        hint='Handle unknown categories: OneHotEncoder(handle_unknown="ignore"),'
        " an out-of-vocabulary token.",
        seen="A row gets a category that is not in the sample. Preparing it raises an"
        " error or gives NaN.",
        why="Sooner or later production has a new value. The request fails, or the"
        " model returns NaN.",
        limits=(thresholds.MOST_CATEGORIES,),
    ),
    _kind(
        "types",
        brief="the same numbers in another type: no change",
        hint="Cast to one type first, for example x.astype('float32'), and scale by"
        " what the numbers mean, not by their type.",
        seen="The same numbers are given as uint8, int, float32 and float64. The output"
        " differs.",
        why="Files, JSON and decoders give the same numbers as other types. Something"
        " overflows, cuts decimals, or scales by the type.",
        limits=(thresholds.OTHER_TYPE, thresholds.OTHER_TYPE_ROWS),
    ),
    _kind(
        "zeros",
        brief="a 0 among positive numbers: finite output",
        hint="Use log1p, or add or clip to a small constant before a logarithm or"
        " division.",
        seen="A column of positive numbers near 0 gets a 0. The output is not finite.",
        why="The sample happens to have no 0, but production will. A logarithm or a"
        " division then makes the model return NaN.",
        limits=(thresholds.FAR_FROM_ZERO,),
    ),
    _kind(
        "missing",
        brief="NaN or None: finite output, or an error",
        hint="Fill them on both paths (SimpleImputer), or reject them with a clear"
        " error.",
        seen="A row gets NaN or None. The output is not finite, and there is no clear"
        " error.",
        why="Training may have dropped such rows, but serving gets them, and the model"
        " returns NaN.",
        no_limit="One value that is not finite is enough.",
    ),
    _kind(
        "process",
        brief="another process gives the same output",
        hint="Use a stable hash (hashlib, zlib.crc32), sort sets before using them, and"
        " seed all random draws.",
        seen="The sample is served in another process with another hash seed. The"
        " output differs.",
        why="The service runs in another process than the training. hash() and sets"
        " differ there, so words get the weights of other words.",
        limits=(thresholds.OF_SPREAD,),
    ),
    _kind(
        "trained",
        brief="training and serving prepare rows alike",
        hint="Let training and serving call the same function with the same fitted"
        " state.",
        seen="The training rows are compared with what serving makes of the raw rows."
        " Too many have no match, or have another row's label.",
        why="Training and serving prepare the same row differently, or features and"
        " labels no longer match: in production the model gets numbers that it was not"
        " trained on.",
        limits=(thresholds.MOST_AUGMENTED, thresholds.LABELS_MOVED),
    ),
    _kind(
        "held_out",
        brief="held-out rows change no training row",
        hint="Split first, then fit on the training part only.",
        seen="Held-out rows are changed. Training data change with them; or a row is in"
        " both parts, equal or with a little noise.",
        why="Something was fitted on the rows that the model is scored on, or the model"
        " was trained on them. The held-out score is too good.",
        limits=(thresholds.MISTAKEN, thresholds.NEARLY_SAME),
    ),
    _kind(
        "own_label",
        brief="a label changes no feature of its own row",
        hint="Fit the encoding on other rows (TargetEncoder.fit_transform crosses"
        " folds), and keep the target out of the features.",
        seen="The label of one row is changed. The features of that row change with"
        " it.",
        why="The features reveal the label. Training looks far better than production,"
        " where the label is unknown.",
        limits=(thresholds.OWN_LABEL,),
    ),
    _kind(
        "future",
        brief="later values change no earlier row",
        hint="Use windows that end at the row itself: rolling(n) without center=True,"
        " shift(+1), no bfill.",
        seen="With rows in order of time, all values after a certain time are changed."
        " A row with an earlier target changes, or a row holds its own target.",
        why="When such a row is served, the later values do not exist yet. Scores on"
        " past data are too good.",
        limits=(thresholds.OF_SPREAD,),
    ),
    _kind(
        "kept",
        brief="each raw column can change the output",
        hint="Look at this column after each step; the first step with a constant"
        " result drops it.",
        seen="A raw column is given other values, in a few rows and in all. The output"
        " stays the same, or neighboring values collapse.",
        why="A cast, a clip, a division or a lookup that knows none of its values drops"
        " the information, or the column is simply left out.",
        limits=(thresholds.SAME_NEIGHBORS,),
    ),
    _kind(
        "mixed",
        brief="neighboring rows are mixed at random",
        hint="Shuffle the rows before the dataset is made, or with a buffer as large as"
        " the data.",
        seen="In a dataset neighboring rows share a label far more often than by"
        " chance.",
        why="Each batch holds few classes. The model learns one class after the other"
        " and forgets the earlier ones.",
        limits=(thresholds.CROWDED,),
    ),
    _kind(
        "requests",
        brief="recorded requests are in range and vary",
        hint="Compute every feature from what a request holds, in the same units as in"
        " training.",
        seen="Recorded requests come out as NaN or infinity, outside the range of"
        " training, or with a column that never varies.",
        why="The model was never trained on such numbers, or learned from something"
        " that the service does not have.",
        limits=(thresholds.MOST_OUTSIDE, thresholds.RANGE_MARGIN, thresholds.CHANCE),
    ),
    _kind(
        "units",
        brief="a column in another unit changes nothing",
        hint="Scale every column with values fitted on the sample, not with a fixed"
        " number.",
        seen="A raw column is given in another unit and everything is fitted again. The"
        " training data differ.",
        why="The column is not scaled, or is compared with a fixed number: a change"
        " from meters to millimeters changes what the model learns.",
        limits=(thresholds.ANOTHER_UNIT,),
    ),
)

#: The kind of finding of each relation, by the name of the relation.
KINDS = {it.name.removeprefix(PREFIX): it for it in _KINDS}
