"""Limits that more than one rule uses, each with its source.

A limit of a single rule is defined next to the rule.

"Scenarios" are the published cases in the test suite, measured on seeds 0 to 19;
"published bugs" are the re-created cases of the literature, two seeds each.
"""

from __future__ import annotations

from ..core.explanation import Limit

LEVEL = Limit(
    0.02,
    "Two losses count as equal if they differ by at most {limit:.0%} of the larger"
    " one.",
    set_by="That is how well the mean of a sample of 512 rows is known. Of 43"
    " published bugs 34 end above 0.98 of the loss of a constant or of the start; of"
    " 45 healthy programs one does.",
)

BARELY = Limit(
    0.1,
    "The training removed at most {limit:.0%} of what a constant costs, and no longer"
    " falls.",
    set_by="Labels in the wrong rows end at 3%, a dropout of 0.95 at 6%.",
)

#: If only the curve is known, the start is the mean of this many steps, or of more if
#: they are noisy. A loss surely did not fall if the observed drop plus this many
#: standard errors is less than the share ``SURELY`` of the start: healthy linear models
#: with a noise of a third of the loss seem to have risen by up to 40 % from the first
#: three batches.
START, START_NOISY, SURE, SURELY = 3, 30, 2.0, 0.05

#: Below this relative distance of the weights a run is not slow; a learning rate
#: `FAR_HIGHER` times as high is tried instead. A thousandth of a usual rate moves them
#: by .0002 to .008; healthy runs of 18 to 200 updates by .016 to .1, while 2 to 60 % of
#: the loss are removed.
MOVED_LITTLE, FAR_HIGHER = 0.01, 1e4

#: If only the curve is known, its first steps are averaged, unless one is this many
#: times the first: noise of batches is no factor of ten (`max_loss_growth`).
BLOWN_AT_ONCE = 10.0

#: Scale of the losses of trainings that work against each other: the outputs of an
#: untrained net, which initializers keep near 1; such a loss may start anywhere, even
#: at 0.
UNTRAINED = 1.0

RETURNS = Limit(
    1e4,
    "Where the model makes its own targets, as in reinforcement learning, the limit"
    " is {limit} times as high.",
    set_by="Targets that a model makes grow from its first outputs to the sum of all"
    " rewards, a hundred of them where a reward counts 0.99 of the one before, and a"
    " squared error grows by the square of that. Of eleven agents that learn the loss"
    " grows by up to 32; values that run away double every few updates.",
)

SPIKE = Limit(
    10.0,
    "A single step counts as a blow-up from {limit} times the limit. A lower peak must"
    " last; otherwise it is a warning.",
    set_by="Batches with an outlier reach 24 times the mean loss; the published"
    " blow-ups last over three steps and more.",
)

#: Magnitude of a column: the larger of |mean| and standard deviation.
UNSCALED = Limit(
    10.0,
    "After a bad training a column is reported if its magnitude (the larger of |mean|"
    " and standard deviation) is {limit} or more.",
    set_by="Pixels from 0 to 255 and years lie above it, standardized columns and"
    " values from 0 to 1 far below.",
)
UNSCALED_ALONE = Limit(
    1000.0,
    "After a good training it takes a magnitude of {limit}.",
    set_by="Chosen, not measured: after a good training only an extreme scale is"
    " reported.",
)
#: Distance of a value from the median of its column.
OUTLIER = Limit(
    30.0,
    "After a bad training a value is reported if it lies {limit} robust standard"
    " deviations or more from the median.",
    set_by="A normal column of a million rows stays under 6; the heaviest tail of the"
    " breast cancer data reaches 22.",
)
OUTLIER_ALONE = Limit(
    60.0,
    "After a good training it takes {limit} robust standard deviations.",
    set_by="Chosen, not measured: the training coped with it.",
)
OUTLIER_SHARE = Limit(
    0.05,
    "If {limit:.0%} of the rows or more lie so far out, they count as part of the"
    " scale, not as outliers.",
    set_by="Chosen, not measured.",
)

#: Skill is the share of the constant's loss that was removed.
LEARNED_ENOUGH = Limit(
    0.65,
    "Little was learned: less than {limit:.0%} of the loss of a constant prediction was"
    " removed.",
    set_by="On the part of the corpus that sets thresholds, 38 of 64 broken programs"
    " below it gain 0.35 to 1.6 by one standard change. Above it there is not so much"
    " to gain.",
)
FAR_BETTER = Limit(
    0.35,
    "A change makes a run far better if it removes {limit:.0%} more of what a"
    " constant costs.",
    set_by="Of the same programs the broken ones gain 0.35 to 1.6, the healthy ones at"
    " most 0.25.",
)
LEARNED_HALF = Limit(
    0.5,
    "Less than {limit:.0%} of the loss of a constant prediction was removed.",
    set_by="On the part of the corpus that sets thresholds, 14 broken programs end at"
    " -0.68 to 0.41 and gain 0.55 to 1.6 by the change that undoes their fault; healthy"
    " ones below 0.65 gain at most 0.25.",
)

NOT_COUNTED = Limit(
    1e-5,
    "With other labels where labels must not count, the gradient of a step changes by"
    " at most {limit} of its size.",
    set_by="Healthy steps of the tests do not change at all, and float32 rounds sums by"
    " 1e-7; those of the reported bugs change by 0.7 and more.",
)

LEFT_WITHOUT_FAULT = Limit(
    0.67,
    "A warning becomes an error if the same training without the fault ends with at"
    " most {limit:.0%} of its loss on held-back rows, on each of 3 seeds.",
    set_by="Chosen so that seeds cannot reach it: of four trainings on shuffled digits,"
    " run again with the rows shuffled once more on three seeds, 93% to 113% is left.",
)

NOISY = Limit(
    0.7,
    "Over the second half of the run the loss fluctuates from step to step by more"
    " than {limit:.0%} of its value (robust standard deviation over median), and the"
    " training went badly.",
    set_by="Chosen, not measured: it explains a bad training and never fails one.",
)
#: Minimum number of steps to estimate the noise.
NOISE_STEPS = 20
