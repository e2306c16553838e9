"""Logs every training that lossguard judged to MLflow.

Put it beside your tests and name it in their `conftest.py`, or on the command line:

    pytest -p mlflow_hook

Where it logs to is MLflow's own setting: `MLFLOW_TRACKING_URI` and
`MLFLOW_EXPERIMENT_NAME`.
"""

import math

import mlflow
import pytest
from mlflow.entities import Metric

from pytest_lossguard import TrainingRun


def pytest_lossguard_run_finished(item: pytest.Item, run: TrainingRun) -> None:
    """One run of MLflow for each training: its curves, verdict and findings."""
    curves = {"loss": run.loss, "gradient_norm": run.grad_norm}
    with mlflow.start_run(run_name=item.nodeid) as logged:
        mlflow.set_tags(
            {
                "test": item.nodeid,
                "verdict": "converged" if run.converged else "not_converged",
                "findings": ",".join(it.kind for it in run.findings),
            }
        )
        mlflow.log_params({"model": run.trace.model, "seed": run.trace.seed})
        mlflow.log_text("\n".join(it.message for it in run.findings), "findings.txt")
        # Stores of MLflow take no NaN and no infinity.
        metrics = [
            Metric(name, float(value), timestamp=0, step=step)
            for name, curve in curves.items()
            for step, value in enumerate(curve, start=1)
            if math.isfinite(value)
        ]
        client = mlflow.MlflowClient()
        for start in range(0, len(metrics), 1000):  # the most of one call
            client.log_batch(logged.info.run_id, metrics[start : start + 1000])
