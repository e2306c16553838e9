"""The thresholds of the diagnosis, each with its source."""

from __future__ import annotations

from ..core.change import Change

#: Once a change repairs the training, others are tried only if their weight is at
#: least this share of its weight.
MUCH_LESS_LIKELY = 0.6
#: The least skill with which a repair clearly learns something; weaker repairs do not
#: keep other changes from being tried.
CLEARLY = 0.1
#: The least difference of the skill, as a share of what a constant prediction costs,
#: between a training and its repair. With less, the two losses of the message look
#: alike: "ends at 1.29, not 1.29" for a Cox loss.
LEAST_DIFFERENCE = 0.005
#: The longest re-run in steps, some seconds on a small model.
MOST_STEPS = 20_000
#: The limit on the updates of all re-runs together: the larger of a fixed number and a
#: multiple of the updates of the training. The failing scenarios take at most 4,240
#: (22 re-runs, 1.9 s of a processor). Where nothing helps, all that can be tried takes
#: 11,600 for a training of 100 updates and 116,000 for one of 1,000 (a small net, 2 and
#: 11 s).
MOST_STEPS_IN_ALL, MOST_LENGTHS = 100_000, 20
#: The number of seeds on which a change that helped is tried again before it is called
#: a cause.
CONFIRMATIONS = 3
#: The first of the fresh seeds, far from seeds that a user would choose.
FRESH = 10_007
#: The number of seeds on which a fault must do harm before its warning becomes an
#: error: the seed of the training, and fresh ones.
PROOF_SEEDS = 3
#: The share of held-out rows, which show what was only learned by heart; the same share
#: as after a test that passed.
KEPT_BACK = 1 / 3
#: A repair is listed last if its skill is lower than the best by more than this.
FAR_LESS = 0.3
#: How many changes take part in pairs: of the likeliest, and of those that helped most.
LIKELY_IN_PAIRS, HELPFUL_IN_PAIRS = 3, 3
#: The most suspicions that are reported where nothing was proved.
MOST_SUSPICIONS = 3

#: Changes to combine with undoing a fault of the data, where that alone is not enough
#: because the training was too slow as well.
COMPANIONS = (
    Change(kind="learning_rate", value=10.0),
    Change(kind="more_steps", value=5.0),
    Change(kind="standardize_targets"),
    Change(kind="standardize_inputs"),
)
#: With two changes, a loss at most this share above that of a constant counts as
#: converged: the scenario whose targets are noise ends within 8 % of it on twelve runs,
#: once its outlier is gone and its rate is raised; with either change alone it ends up
#: to 74 % above.
AS_GOOD_AS_CONSTANT = 0.1
