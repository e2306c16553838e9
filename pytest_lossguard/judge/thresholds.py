"""Every number that decides, in one place, each with what set it.

"Scenarios" are the published cases in the test suite, measured on seeds 0 to 19;
"published bugs" the re-created cases of the literature, two seeds each.
"""

from __future__ import annotations

#: A final loss within 2 % of a reference loss is level with it. Two percent is what
#: the mean of a 512-row probe is known to; 34 of 43 published bugs end above
#: 0.98 of the constant's or the starting loss, 1 of 45 healthy programs does.
LEVEL = 0.02

#: Below so many updates a run that ended near a constant prediction is slow,
#: not broken: healthy scenarios end at up to 3.3 times the constant's loss after
#: 20 updates, 1.6 after 40, 1.5 after 300; unscaled inputs at 11 and more after
#: 40.
SHORT_RUN, VERY_SHORT_RUN = 300, 100
NEAR_CONSTANT, NEAR_CONSTANT_VERY_SHORT = 2.0, 4.0
#: For a loss without a floor: the share of the gap to the constant that is left.
NEAR_GAP = 0.6

#: A final loss so little below the constant, and no longer falling, is worth a word:
#: labels in the wrong rows end at .03, dropout of .95 at .06.
BARELY = 0.1

#: A start this many times the constant's loss is itself a fault, and falling
#: steadily is no excuse any more: slow healthy scenarios start at 1.9 to 4.3,
#: unscaled inputs and outliers from 5.9 to 660.
SCALED_START = 5.0
#: ... and living this far above the constant through the last quarter of such
#: a run is no better for a lucky last step.
LIVED_LEVEL = 1.5

#: From so far off, a run that is not short must buy this much: unscaled pixels
#: (x 100) end at 0.89 to 2.2 times the constant, healthy scenarios that start
#: there at 0.30 to 0.84.
MISSCALED_START, MISSCALED_LEVEL = 8.0, 0.05

#: ... and from a start between the two, on data in scale, a run is slow if so much of
#: what lay above the constant's loss is gone and it still falls: healthy linear models
#: on correlated columns have lost .66 to 1.0 of it, weights that start far too large
#: .16 to .54. Unscaled inputs and an outlier lose .72 to .96 too: there data decide.
COMING_DOWN = 0.6

#: Targets that vary by less than this share of their size vary by rounding: a
#: float32 has seven digits. A constant that costs less than this costs nothing.
CONSTANT_TARGET, NO_LOSS = 1e-6, 1e-12

#: From a start within this of the constant there is nothing to fall from.
NOTHING_TO_LOSE = 1.3
#: ... and ending within this of it is a start kept: the scenarios that start level
#: end at 0.9 to 1.31 times the constant.
STILL_LEVEL = 1.5

#: Falling: the last quarter's mean is this much below the third's.
FALLING = 0.02
#: Share of the starting loss a slow run must have lost to be excused.
SLOW_PROGRESS = 0.10

#: Standard errors between the first and the last third of the steps from which on a
#: loss falls by more than its noise: stuck programs reach 3.3, losses with a constant
#: part of 540 and a VAE that fall by 1 % 8 to 80.
#: Fewer steps tell no trend.
STEADY, TREND_STEPS = 4.0, 30

#: Where only the curve is known the start is the mean of so many steps, of more where
#: they are noisy, and "it did not fall" is sure if so many standard errors on top of
#: what is seen make no share of `SURELY` of it: healthy linear models with a noise of
#: a third of the loss seem to have risen by up to 40 % from the first three batches.
START, START_NOISY, SURE, SURELY = 3, 30, 2.0, 0.05

#: Way of the weights, as a share of their size, that is none: SGD(1e-6) and Adam(1e-7)
#: go 2e-5 to 2e-4 in 285 updates. With nothing to learn it is .0006 and more.
MOVED = 3e-4
#: ... and that is so little that the run is not slow, and a far higher rate is tried,
#: `FAR_HIGHER` times its own: a thousandth of a usual rate goes .0002 to .008; healthy
#: runs of 18 to 200 updates .016 to .1, while 2 to 60 % of the loss go.
MOVED_LITTLE, FAR_HIGHER = 0.01, 1e4
#: ... and so little that what a lucky start is worth was not learned: SGD(1e-5) and
#: Adam(1e-6) go .0003 to .0023 in 290 updates, Adam(2e-5) .008 in 150.
STOOD = 3e-3
#: Slow for another reason than the rate: embeddings under SGD that find their way after
#: hundreds of updates went .7 to 3.8; published bugs with a low rate .02 to .12.
MOVED_FAR = 0.25

#: Fewer updates than this prove no absence of progress.
ENOUGH_STEPS = 5

#: Where only the curve is known its first steps are averaged, unless one is so many
#: times the first: noise of batches is no factor of ten (`max_loss_growth`).
BLOWN_AT_ONCE = 10.0

#: Losses of trainings against each other are of the order of what an untrained net
#: puts out, which initializers keep near 1; they start anywhere, even at 0.
UNTRAINED = 1.0

#: A single step may exceed the limit of growth this many times before it
#: counts as a blow-up: outlier batches reach 24 times the mean, the published
#: blow-ups last over three steps and more.
SPIKE = 10.0

#: Predictions that vary by less than this share of the targets' spread are
#: constant: dead nets 0 to 1e-5, the least sure healthy one 0.02.
CONSTANT_SPREAD = 1e-4

#: Plain loss over reported loss: 1.5 flags softmax over one unit (8.0 against
#: 0.28) and no healthy program of 45.
MASKED = 1.5

#: AutoTrainer (ICSE 2021): ratio of the first layer's gradient to the last's.
VANISHING = 1e-3
#: The largest gradient over the median of the steps before it.
EXPLODING = 1e3

#: DeepDiagnosis and AutoTrainer call a layer dead from 70 % of its units on;
#: alone that is most of their false alarms, so without a bad outcome only an
#: all but dead layer is warned of.
DEAD, DEAD_ALONE = 0.7, 0.95
SATURATED = 0.9

#: Penalty over the whole loss, mean over the first quarter of the run: L2(0.01)
#: on 512 units gives 0.3 and more in the scenarios, L2(0.1) on a published CNN
#: 0.37, healthy published programs at most 0.08.
PENALTY_SHARE = 0.2

#: A loss this many times below zero, in units of the larger reference loss, falls
#: without bound: two published bugs reach 126 and 6e7, no healthy program goes
#: below zero at all, and a likelihood does not by so much.
BOTTOMLESS = 100.0

#: Share of the target values that an output may be unable to reach: a clipped
#: outlier is none, and the published bugs of this kind have half of them there.
UNREACHED = 0.05

#: Overfitting: the held-out loss rose so far over its best, or it is no better
#: than a constant, no longer falling, and this far above the training loss.
HELD_OUT_RISE, HELD_OUT_GAP, HELD_OUT_FLAT = 0.1, 1.2, 0.05
#: ... and so much of what the best held-out loss removed of a constant's is lost again,
#: less than `LEARNED_HALF` is left: of 292 healthy trainings 39 were warned of for a
#: rise alone.
HELD_OUT_LOST = 0.25

#: Magnitude of a column (largest of |mean| and standard deviation): explains a
#: bad outcome from 10 on (0..255 pixels, years), is warned of alone from 1000.
UNSCALED, UNSCALED_ALONE = 10.0, 1000.0
#: Robust standard deviations from the median: a normal column of a million
#: rows stays under 6; the heaviest tail of the breast cancer data reaches 22.
OUTLIER, OUTLIER_ALONE = 30.0, 60.0
#: More rows than this share so far out are a scale, not outliers.
OUTLIER_SHARE = 0.05
#: Inputs of which so much is the same in every row tell rows apart no more: of 8x8
#: digits 5 % is, of flattened 28x28 ones half, of one-hot and sparse columns of few
#: rows at most .9; none of the 316 healthy programs of the corpus comes near. Of a bad
#: training columns that are constant anywhere but at 0, the value of borders, padding
#: and absent words, count from a half on: a clip to 0..1 leaves 54 % so.
CONSTANT_INPUTS, CONSTANT_APART = 0.97, 0.5
#: A target column's robust distance that explains.
TARGET_OUTLIER = 30.0

#: Below this skill (share of the constant's loss that is gone) a run is held
#: against re-runs; it is improvable if one standard change adds so much. On the part
#: of the corpus that sets thresholds 38 of 64 broken programs below .65 gain .35 to
#: 1.6 and the healthy ones at most .25; above .65 there is not so much to gain.
LEARNED_ENOUGH, FAR_BETTER = 0.65, 0.35
#: Changes whose skill is so near the best one's do as well.
ABOUT_AS_GOOD = 0.05
#: Below this skill a run that a higher learning rate improves so much has failed:
#: published bugs of this kind end at -1.0 to .15. Slow is not broken.
NEXT_TO_NOTHING = 0.2
#: ... and below this one from `VERY_SHORT_RUN` updates on, if the change undoes a
#: fault of data, output, penalty or start: on the part of the corpus that sets
#: thresholds 14 broken programs end at -.68 to .41 and gain .55 to 1.6, the healthy
#: ones below .65 gain at most .25.
LEARNED_HALF = 0.5
#: Dropout that hardly any program needs; the usual .5 is no fault.
HEAVY_DROPOUT = 0.6
#: A re-run of up to so many updates is as long as the run, a fraction of a second for
#: a small model; longer ones share the length of the run.
REFERENCE_STEPS = 1000
#: A watched run, run again as it is, has the same skill but for the order of rows.
SAME_OUTCOME = 0.15
#: Data of this magnitude at most, and with some column spread so far, are as good as
#: scaled: uniform and gray levels from 0 to 1 have .3; inputs normalized twice .002 to
#: .004.
ORDER_ONE, SQUEEZED = 1.1, 0.1
#: A column within these needs no standardizing.
STANDARD_MEAN, STANDARD_SPREAD = 0.5, (0.5, 2.0)

#: The control with shuffled labels: fewer rows say nothing, longer runs cost too
#: much, and what was seen less often than so cannot have been learned by heart.
CONTROL_ROWS, CONTROL_STEPS, CONTROL_EPOCHS = 100, 5000, 4
#: A run that learned less than this has nothing to be held against, and labels are
#: learned as well shuffled if their loss is at most so much higher.
LEARNED_SOMETHING, EASIER = 0.05, 0.2
#: Labels carry signal if held-out rows are predicted so much better than by a constant
#: at any time: with 150 rows the luckiest of 50 looks lies up to 4 % below it.
SIGNAL = 0.05

#: A class with less than this share of its fair part of the rows: a published case
#: has .09, classes of 5 % in two have .1.
FAIR_SHARE = 0.1
#: A rare class is found if its rows cost so much less than by a constant: healthy
#: programs with 1 to 4 % positives (AUC .97 and more) reach .75 to .82, a published
#: case whose rare classes are never predicted .56, mutants of the kind .39 to .61, one
#: .75.
RARE_FOUND = 0.7

#: Robust standard deviation of the steps' noise over their median loss; fewer steps
#: tell no noise.
NOISY, NOISE_STEPS = 0.7, 20

#: A column of held-out rows is another one if it lies so many standard deviations of
#: the training rows away, or is spread so many times as far, beyond their range: of
#: four data sets split by chance, 20 to 449 rows held out, the farthest of all lies 1.1
#: away. So are most columns if they lie this far away, are spread so many times less
#: (by chance 1.4), or lie apart from one another so far, as columns in another order
#: do: 4 to 5 in two tables, by chance .31; windows of a series that drifts lie .58 away
#: and .01 apart.
OTHER_COLUMN, OTHER_COLUMNS, OTHER_ORDER = 3.0, 1.0, 0.6
#: ... and then it is the rows that are others, nothing that was learned by heart, if
#: training removes half of what a constant costs and the held-out loss is never below
#: so many times a constant's, or it rises.
OTHER_ROWS_SEEN = 0.5
#: ... or, if no column shows it, never below so many times, and the first held-out loss
#: is so many times the training loss of those steps, after one pass at most: by then
#: nothing is learned by heart.
OTHER_ROWS, OTHER_LOSS = 1.5, 2.0
#: Fewer held-out rows tell nothing of the others.
FEW_HELD_OUT = 20

#: Share of held-out rows that are trained on, over what repeats do among the training
#: rows: the surest ends of both 95 % intervals.
TRAINED_ON = 0.1
