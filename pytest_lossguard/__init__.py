"""pytest-lossguard keeps broken model training out of main.

Mark a test with ``@pytest.mark.converges``: every training in its body is
recorded step by step, judged, and a broken one fails with the reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import (
    BaselineError,
    ContractBroken,
    LossguardError,
    NotConverged,
    NothingTrained,
    PolicyError,
    TensorFlowMissing,
    UsageError,
)

if TYPE_CHECKING:
    from .api import diagnose, margins, plot
    from .causes import Diagnosis
    from .checks import finding
    from .findings import Finding
    from .policy import Policy
    from .preprocessing import contracts
    from .runs import TrainingRun
    from .stability import Margins
    from .trace import Trace

__all__ = [
    "BaselineError",
    "ContractBroken",
    "Diagnosis",
    "Finding",
    "LossguardError",
    "Margins",
    "NotConverged",
    "NothingTrained",
    "Policy",
    "PolicyError",
    "TensorFlowMissing",
    "Trace",
    "TrainingRun",
    "UsageError",
    "contracts",
    "diagnose",
    "finding",
    "margins",
    "plot",
]

_LAZY = {
    "Diagnosis": "causes",
    "Finding": "findings",
    "Margins": "stability",
    "Policy": "policy",
    "Trace": "trace",
    "TrainingRun": "runs",
    "contracts": "preprocessing",
    "diagnose": "api",
    "margins": "api",
    "finding": "checks",
    "plot": "api",
}


def __getattr__(name: str) -> Any:
    """Import what needs NumPy only when it is asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_LAZY[name]}", __name__), name)
