"""Limits that more than one rule or room goes by, each with what set it.

A limit of one rule stands beside the rule.

"Scenarios" are the published cases in the test suite, measured on seeds 0 to 19;
"published bugs" the re-created cases of the literature, two seeds each.
"""

from __future__ import annotations

#: A final loss within 2 % of a reference loss is level with it. Two percent is what
#: the mean of a 512-row probe is known to; 34 of 43 published bugs end above
#: 0.98 of the constant's or the starting loss, 1 of 45 healthy programs does.
LEVEL = 0.02

#: A final loss so little below the constant, and no longer falling, is worth a word:
#: labels in the wrong rows end at .03, dropout of .95 at .06.
BARELY = 0.1

#: Where only the curve is known the start is the mean of so many steps, of more where
#: they are noisy, and "it did not fall" is sure if so many standard errors on top of
#: what is seen make no share of `SURELY` of it: healthy linear models with a noise of
#: a third of the loss seem to have risen by up to 40 % from the first three batches.
START, START_NOISY, SURE, SURELY = 3, 30, 2.0, 0.05

#: So short a way of the weights that the run is not slow, and a far higher rate is
#: tried, `FAR_HIGHER` times its own: a thousandth of a usual rate goes .0002 to .008;
#: healthy runs of 18 to 200 updates .016 to .1, while 2 to 60 % of the loss go.
MOVED_LITTLE, FAR_HIGHER = 0.01, 1e4

#: Where only the curve is known its first steps are averaged, unless one is so many
#: times the first: noise of batches is no factor of ten (`max_loss_growth`).
BLOWN_AT_ONCE = 10.0

#: Losses of trainings against each other are of the order of what an untrained net
#: puts out, which initializers keep near 1; they start anywhere, even at 0.
UNTRAINED = 1.0

#: Targets that a model makes grow from its first outputs to the sum of all rewards, a
#: hundred of them where a reward counts .99 of the one before: so many times as large,
#: and their squares by the square of it. Of eleven agents that learn, with rewards of 1
#: and .95, the loss grows by up to 32; values that run away double every few updates.
RETURNS = 1e4

#: A single step may exceed the limit of growth this many times before it
#: counts as a blow-up: outlier batches reach 24 times the mean, the published
#: blow-ups last over three steps and more.
SPIKE = 10.0

#: Magnitude of a column (largest of |mean| and standard deviation): explains a
#: bad outcome from 10 on (0..255 pixels, years), is warned of alone from 1000.
UNSCALED, UNSCALED_ALONE = 10.0, 1000.0
#: Robust standard deviations from the median: a normal column of a million
#: rows stays under 6; the heaviest tail of the breast cancer data reaches 22.
OUTLIER, OUTLIER_ALONE = 30.0, 60.0
#: More rows than this share so far out are a scale, not outliers.
OUTLIER_SHARE = 0.05

#: Below this skill (share of the constant's loss that is gone) a run is held
#: against re-runs; it is improvable if one standard change adds so much. On the part
#: of the corpus that sets thresholds 38 of 64 broken programs below .65 gain .35 to
#: 1.6 and the healthy ones at most .25; above .65 there is not so much to gain.
LEARNED_ENOUGH, FAR_BETTER = 0.65, 0.35
#: Below this skill it fails, from `VERY_SHORT_RUN` updates on, if the change undoes a
#: fault of data, output, penalty or start: on the part of the corpus that sets
#: thresholds 14 broken programs end at -.68 to .41 and gain .55 to 1.6, the healthy
#: ones below .65 gain at most .25.
LEARNED_HALF = 0.5

#: Robust standard deviation of the steps' noise over their median loss; fewer steps
#: tell no noise.
NOISY, NOISE_STEPS = 0.7, 20
