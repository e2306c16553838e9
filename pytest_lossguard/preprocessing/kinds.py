"""The findings of broken relations: their messages and explanations."""

from __future__ import annotations

from functools import partial

from ..core.checked import kind_of
from . import thresholds as at
from .policy import PREFIX

__all__ = ["KINDS"]

_kind = partial(kind_of, PREFIX)

_KINDS = (
    _kind(
        "deterministic",
        brief="prepared twice, it is the same",
        hint="Seed what draws: random_state=0, or a generator or a layer made inside"
        " the function, not once for the module.",
        seen="The sample is prepared twice from the same seed, and served twice. The"
        " results differ.",
        why="No result can be reproduced, and no other contract can be checked: each of"
        " them compares two runs.",
        limits=(at.OF_SPREAD,),
    ),
    _kind(
        "alone",
        brief="a row served alone is the row among others",
        hint="Fit once, in training; serving must only transform, with the statistics"
        " and categories that training kept.",
        seen="Rows are served alone, in small requests and in another order. A row"
        " comes out differently than among all rows.",
        why="A service gets few rows at a time. If it fits a scaler, a mean or"
        " categories on them, the model sees numbers that it was never trained on.",
        limits=(at.OF_SPREAD, at.BY_REQUEST),
    ),
    _kind(
        "columns",
        brief="columns in another order: same, or an error",
        hint="Select columns by name before they become an array:"
        " frame[list_of_columns].",
        seen="Named columns are given in another order. The output changes, and no"
        " error says so.",
        why="A query that returns its columns in another order feeds each feature to"
        " the weights of another one. Nothing crashes.",
        limits=(at.OF_SPREAD,),
    ),
    _kind(
        "unseen",
        brief="a new category gives finite numbers",
        hint='Give what is unknown a place: OneHotEncoder(handle_unknown="ignore"),'
        " an out-of-vocabulary token.",
        seen="A category that the sample does not hold is put into a row. Preparing it"
        " raises an error or gives NaN.",
        why="Sooner or later production has a new value. The request fails, or the"
        " model answers NaN.",
        limits=(at.MOST_CATEGORIES,),
    ),
    _kind(
        "types",
        brief="the same numbers in another type: the same",
        hint="Cast to one type first, as x.astype('float32'), and scale by what the"
        " numbers mean, not by their type.",
        seen="The same numbers are given as uint8, int, float32 and float64. The output"
        " differs.",
        why="Files, JSON and decoders give the same numbers as other types. Something"
        " overflows, cuts decimals, or scales by the type.",
        limits=(at.OTHER_TYPE, at.OTHER_TYPE_ROWS),
    ),
    _kind(
        "zeros",
        brief="a 0 among positive numbers: finite output",
        hint="Use log1p, or add or clip to a small constant before a logarithm or"
        " division.",
        seen="A 0 is put into a column that has only positive numbers near 0. The"
        " output is not finite.",
        why="The sample happens to hold no 0; production will. A logarithm or a"
        " division then makes the model answer NaN.",
        limits=(at.FAR_FROM_ZERO,),
    ),
    _kind(
        "missing",
        brief="NaN or None: finite output, or an error",
        hint="Fill them on both paths (SimpleImputer), or refuse them with an error of"
        " your own.",
        seen="NaN or None is put into a row. The output is not finite, and no clear"
        " error says so.",
        why="Training may have dropped such rows; serving gets them, and the model"
        " answers NaN.",
        no_limit="One value that is not finite is enough.",
    ),
    _kind(
        "process",
        brief="another process gives the same output",
        hint="Use a stable hash (hashlib, zlib.crc32), sort what comes from a set, and"
        " seed what draws.",
        seen="The sample is served in another process with another hash seed. The"
        " output differs.",
        why="The service is another process than the training. hash() and sets differ"
        " there, so that words end up at the weights of others.",
        limits=(at.OF_SPREAD,),
    ),
    _kind(
        "trained",
        brief="training and serving prepare rows alike",
        hint="Let training and serving call the same function with the same fitted"
        " state.",
        seen="Trained rows are looked for among what serving makes of the raw rows. Too"
        " many are not there, or have another row's label.",
        why="Training and serving prepare the same row differently, or features and"
        " labels went apart: the model gets numbers in production that it was not"
        " trained on.",
        limits=(at.MOST_AUGMENTED, at.LABELS_MOVED),
    ),
    _kind(
        "held_out",
        brief="held-out rows change no training row",
        hint="Split first, then fit on the training part only.",
        seen="Held-out rows are changed. Training data change with them; or a row"
        " stands in both parts, equal or with a little noise.",
        why="Something was fitted on rows that the model is scored on, or it was"
        " trained on them. The held-out score is too good.",
        limits=(at.MISTAKEN, at.NEARLY_SAME),
    ),
    _kind(
        "own_label",
        brief="a label changes no feature of its own row",
        hint="Fit the encoding on other rows (TargetEncoder.fit_transform crosses"
        " folds), and keep the target out of the features.",
        seen="The label of one row is changed. The features of that row change with"
        " it.",
        why="The features tell the label. Training looks far better than production"
        " ever will, where the label is not known.",
        limits=(at.OWN_LABEL,),
    ),
    _kind(
        "future",
        brief="later values change no earlier row",
        hint="Use windows that end at the row itself: rolling(n) without center=True,"
        " shift(+1), no bfill.",
        seen="With rows in order of time, values after some time are changed. A row"
        " with an earlier target changes, or a row holds its own target.",
        why="When such a row is served, the later values do not exist yet. Scores on"
        " past data are too good.",
        limits=(at.OF_SPREAD,),
    ),
    _kind(
        "kept",
        brief="each raw column can change the output",
        hint="Look at this column after each step; the first step with a constant"
        " result loses it.",
        seen="A raw column is given other values, in a few rows and in all. The output"
        " stays the same, or neighboring values collapse.",
        why="Its information is lost on the way: a cast, a clip, a division, a lookup"
        " that knows none of its values, or it is simply left out.",
        limits=(at.SAME_NEIGHBORS,),
    ),
    _kind(
        "mixed",
        brief="neighbors are mixed as by chance",
        hint="Shuffle the rows before the dataset is made, or with a buffer as large as"
        " the data.",
        seen="In a dataset neighboring rows share a label far more often than by"
        " chance.",
        why="Each batch holds few classes. The model learns one after the other and"
        " forgets the last one.",
        limits=(at.CROWDED,),
    ),
    _kind(
        "requests",
        brief="recorded requests are in range and vary",
        hint="Compute every feature from what a request holds, in the same units as in"
        " training.",
        seen="Recorded requests come out not finite, outside of the range of training,"
        " or with a column that never varies.",
        why="The model was never trained on such numbers, or learned from something"
        " that the service does not know.",
        limits=(at.MOST_OUTSIDE, at.RANGE_MARGIN, at.CHANCE),
    ),
    _kind(
        "units",
        brief="a column in another unit changes nothing",
        hint="Scale every column by what is fitted on the sample, not by a fixed"
        " number.",
        seen="A raw column is given in another unit and everything is fitted again. The"
        " training data differ.",
        why="The column is not scaled, or is compared with a fixed number: a change"
        " from meters to millimeters changes what the model learns.",
        limits=(at.ANOTHER_UNIT,),
    ),
)

#: The kind of finding of each relation, by the name of the relation.
KINDS = {it.name.removeprefix(PREFIX): it for it in _KINDS}
