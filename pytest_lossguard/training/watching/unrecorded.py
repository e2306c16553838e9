"""Trainings that were not recorded, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...core.findings import Finding
from ...judge.updates import never_applied
from ..backend.frameworks import tf
from ..backend.patches import Call
from ..backend.user_frames import taken_at
from ..record.recorder import Recorder, reached

#: Why a compiled step may never apply the gradients that it computes.
_IN_TRACES = (
    "; in a tf.function an `if` on a Python number or attribute is evaluated only once,"
    " during tracing: count in a tf.Variable, for example to apply every fourth step"
)


class Unrecorded:
    """Trainings inside a block of which the recorder could not see the updates."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._sentences: list[str] = []

    def clear(self) -> None:
        """Forget all such trainings."""
        self._sentences.clear()

    def note(self, sentence: str) -> None:
        """Note a training that ran but could not be recorded."""
        if sentence not in self._sentences:
            self._sentences.append(sentence)

    @property
    def sentences(self) -> list[str]:
        """Sentences about trainings that ran but could not be recorded."""
        if not self._recorder.lost_updates:
            return self._sentences
        return [
            *self._sentences,
            "updates under a tf.distribute strategy that traces one step for all"
            " replicas could not be recorded: train without it in this test, or under"
            " a MirroredStrategy",
        ]

    def findings(self) -> list[Finding]:
        """Return findings for variables that moved, or whose gradients were taken in
        vain.
        """
        return self._moved() or [*self._never_applied()]

    def _moved(self) -> list[Finding]:
        return self._recorder.asked.found(self._recorder.recorded())

    def _never_applied(self) -> Iterator[Finding]:
        """Yield findings for gradients that are taken repeatedly and never applied.

        Only if another training of the block made an update.
        """
        trained = self._recorder.trained
        if trained:
            for taped in self._recorder.tapes.never_applied(trained):
                yield from never_applied(taped.asked, taped.where)

    def why_nothing_trained(self) -> str:
        """Explain in one sentence why a test made no optimizer update."""
        nothing = "the test is marked converges and trained nothing"
        taken = self._recorder.gradients.total
        in_graphs = self._recorder.gradients.in_graphs
        unseen = self._moved()
        if unseen:
            return f"{nothing} that was recorded: {unseen[0].message}"
        if self._recorder.recordings and not taken:
            return (
                f"{nothing}: a training step was compiled, but none of its runs reached"
                " the optimizer's update"
            )
        if taken or in_graphs:
            times = "once" if taken <= 1 else f"{taken} times"
            return (
                f"{nothing}: gradients were computed {times} and never applied; apply"
                " them, as keras.optimizers.SGD(rate).apply(gradients, variables)"
                f"{_IN_TRACES if in_graphs else ''}"
            )
        return (
            f"{nothing}: no optimizer update was seen in it or in the set-up of its"
            " fixtures; call model.fit, lossguard.fit or your own training in one of"
            " them (a training at import or in another process is not seen), or remove"
            " the marker"
        )

    # Hooks

    def on_giving(self, call: Call, *args: Any, **kwargs: Any) -> Any:
        """Hook on ``set_weights``, ``load_weights``, ``restore``: not a training."""
        __tracebackhide__ = True
        with self._recorder.asked.giving(self._recorder.recorded):
            return call(*args, **kwargs)

    def on_gradients(
        self, call: Call, ys: Any, xs: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Hook on `tf.gradients`, which takes gradients without a tape."""
        __tracebackhide__ = True
        found = call(ys, xs, *args, **kwargs)
        if self._recorder.enabled:
            self._recorder.asked.add(reached(xs, found), taken_at)
        return found

    def on_v1_update(
        self, call: Call, optimizer: Any, pairs: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Hook on ``apply_gradients`` of a TensorFlow 1 optimizer."""
        __tracebackhide__ = True
        pairs = list(pairs)
        if self._recorder.enabled:
            moved = [it for slope, it in pairs if slope is not None]
            self._recorder.asked.add(moved, taken_at)
        return call(optimizer, pairs, *args, **kwargs)

    def on_session(
        self, call: Call, session: Any, fetches: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Hook on `tf.compat.v1.Session.run`: note if it runs a training operation."""
        __tracebackhide__ = True
        training = session.graph.get_collection(tf.compat.v1.GraphKeys.TRAIN_OP)
        fetched = {id(it) for it in tf.nest.flatten(fetches)}
        if self._recorder.enabled and fetched.intersection(map(id, training)):
            self.note(
                "a tf.compat.v1.Session ran a training operation, and lossguard sees"
                " what runs in TensorFlow 2 only: train eagerly or in a tf.function,"
                " by a Keras 3 optimizer"
            )
        return call(session, fetches, *args, **kwargs)
