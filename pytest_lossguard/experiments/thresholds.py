"""The numbers of the diagnosis, each with what set it."""

from __future__ import annotations

from ..core.change import Change

#: Once a change repairs, others are tried while they are at least so much as likely.
MUCH_LESS_LIKELY = 0.6
#: ... and only if it clearly learns something with it.
CLEARLY = 0.1
#: A run is made longer up to so many steps, some seconds on a small model.
MOST_STEPS = 20_000
#: Updates of all re-runs together: as many, or so many times those of the training.
#: The failing scenarios take at most 4,240 (22 re-runs, 1.9 s of a processor). Where
#: nothing helps, all that can be tried takes 11,600 for a training of 100 updates and
#: 116,000 for one of 1,000 (a small net, 2 and 11 s).
MOST_STEPS_IN_ALL, MOST_LENGTHS = 100_000, 20
#: Seeds on which a change that helped is tried again before it is called a cause.
CONFIRMATIONS = 3
#: Where those seeds begin, away from those a user would choose.
FRESH = 10_007
#: Seeds on which a fault must do harm before its warning is an error: that of the
#: training, and fresh ones.
PROOF_SEEDS = 3
#: Share of the rows that are kept back, to tell what is learned from what is learned by
#: heart: as many as after a test that passed.
KEPT_BACK = 1 / 3
#: A repair whose skill is so much below the best one's comes after it.
FAR_LESS = 0.3
#: What takes part in pairs: the likeliest changes, and those that helped most.
LIKELY_IN_PAIRS, HELPFUL_IN_PAIRS = 3, 3
#: Suspicions reported where nothing was proved.
MOST_SUSPICIONS = 3

#: What goes with a fault of the data that was seen, where undoing it is not enough:
#: its training was too slow as well.
COMPANIONS = (
    Change(kind="learning_rate", value=10.0),
    Change(kind="more_steps", value=5.0),
    Change(kind="standardize_targets"),
    Change(kind="standardize_inputs"),
)
#: With two changes, this near the constant counts as converged: the scenario whose
#: targets are noise ends within 8 % of it on twelve runs, once its outlier is gone and
#: its rate is raised; with either alone up to 74 % above.
AS_GOOD_AS_CONSTANT = 0.1
