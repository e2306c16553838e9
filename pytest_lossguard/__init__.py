"""pytest-lossguard keeps broken model training out of main.

Mark a test with ``@pytest.mark.converges``: every training in its body is
recorded step by step, judged, and a broken one fails with the reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .core.errors import (
    BaselineError,
    ContractBroken,
    LossguardError,
    ModelCheckFailed,
    NotConverged,
    NothingTrained,
    PolicyError,
    TensorFlowMissing,
    UsageError,
)

if TYPE_CHECKING:
    from .api import diagnose, margins, plot
    from .core.custom_checks import finding
    from .core.diagnosis import Diagnosis
    from .core.findings import Finding
    from .core.policy import Policy
    from .core.trace import Trace
    from .experiments.margins import Margins
    from .model_checks import check_model
    from .preprocessing import contracts
    from .session.runs import TrainingRun

__all__ = [
    "BaselineError",
    "ContractBroken",
    "Diagnosis",
    "Finding",
    "LossguardError",
    "Margins",
    "ModelCheckFailed",
    "NotConverged",
    "NothingTrained",
    "Policy",
    "PolicyError",
    "TensorFlowMissing",
    "Trace",
    "TrainingRun",
    "UsageError",
    "check_model",
    "contracts",
    "diagnose",
    "finding",
    "margins",
    "plot",
]

_LAZY = {
    "Diagnosis": "core.diagnosis",
    "Finding": "core.findings",
    "Margins": "experiments.margins",
    "Policy": "core.policy",
    "Trace": "core.trace",
    "TrainingRun": "session.runs",
    "check_model": "model_checks",
    "contracts": "preprocessing",
    "diagnose": "api",
    "margins": "api",
    "finding": "core.custom_checks",
    "plot": "api",
}


def __getattr__(name: str) -> Any:
    """Import what needs NumPy only when it is asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_LAZY[name]}", __name__), name)
