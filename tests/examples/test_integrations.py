"""What `examples/integrations` has, with the real programs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.projects import PROJECT

EXAMPLES = Path(__file__).parents[2] / "examples" / "integrations"
TESTS = """
from project import *

@pytest.mark.converges(diagnose=False, steps=60)
def test_good(lossguard):
    lossguard.fit(build, *load())

@pytest.mark.converges(diagnose=False, steps=60)
def test_bad(lossguard):
    lossguard.fit(lambda: build(rate=1e30), *load())
"""


@pytest.mark.slow
def test_mlflow_gets_every_training(tmp_path, monkeypatch):
    (tmp_path / "project.py").write_text(PROJECT)
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "mlflow_hook.py").write_text((EXAMPLES / "mlflow_hook.py").read_text())
    store = (tmp_path / "store").as_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    options = ("-q", "-p", "mlflow_hook", "-p", "no:randomly", "-p", "no:cacheprovider")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "1 failed, 1 passed" in done.stdout
    assert "run_finished raised" not in done.stdout
    import mlflow

    client = mlflow.MlflowClient(store)
    logged = {
        run.data.tags["test"]: run for run in client.search_runs(["0"], max_results=9)
    }
    bad, good = logged["test_it.py::test_bad"], logged["test_it.py::test_good"]
    assert len(client.get_metric_history(good.info.run_id, "loss")) == 60
    assert good.data.metrics["loss"] < 5
    assert bad.data.tags["verdict"] == "not_converged"
    assert "nonfinite_loss" in bad.data.tags["findings"].split(",")
    assert good.data.params == {"model": "sequential", "seed": "0"}
