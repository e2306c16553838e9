"""pytest-lossguard keeps broken model training out of main.

Mark a test with ``@pytest.mark.converges``: every training in its body is
recorded step by step, judged, and a broken one fails with the reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    from typing import Any

    from .api import diagnose, margins, plot
    from .core.custom_checks import finding
    from .core.diagnosis import Diagnosis
    from .core.findings import Finding
    from .core.policy import Policy
    from .core.trace import Trace
    from .corruptions import Corruption
    from .experiments.margins import Margin, Margins
    from .model_checks import ModelCheckResult, check_model
    from .plugin.contracts import Contract
    from .plugin.fixture import Lossguard
    from .plugin.model_checks import ModelCheck
    from .preprocessing import ContractResult, contracts
    from .session.runs import TrainingRun, WatchedRuns

    __version__: str

__all__ = [
    "BaselineError",
    "Contract",
    "ContractBroken",
    "ContractResult",
    "Corruption",
    "Diagnosis",
    "Finding",
    "Lossguard",
    "LossguardError",
    "Margin",
    "Margins",
    "ModelCheck",
    "ModelCheckFailed",
    "ModelCheckResult",
    "NotConverged",
    "NothingTrained",
    "Policy",
    "PolicyError",
    "TensorFlowMissing",
    "Trace",
    "TrainingRun",
    "UsageError",
    "WatchedRuns",
    "__version__",
    "check_model",
    "contracts",
    "diagnose",
    "finding",
    "margins",
    "plot",
]

#: Module of each name that is imported lazily.
_LAZY = {
    "Contract": "plugin.contracts",
    "ContractResult": "preprocessing",
    "Corruption": "corruptions",
    "Diagnosis": "core.diagnosis",
    "Finding": "core.findings",
    "Lossguard": "plugin.fixture",
    "Margin": "experiments.margins",
    "Margins": "experiments.margins",
    "ModelCheck": "plugin.model_checks",
    "ModelCheckResult": "model_checks",
    "Policy": "core.policy",
    "Trace": "core.trace",
    "TrainingRun": "session.runs",
    "WatchedRuns": "session.runs",
    "check_model": "model_checks",
    "contracts": "preprocessing",
    "diagnose": "api",
    "finding": "core.custom_checks",
    "margins": "api",
    "plot": "api",
}


def _version() -> str:
    """Return the version of the installed distribution, from its metadata."""
    from .core.environment import version_of

    return version_of(["pytest-lossguard"]) or "unknown"


if not TYPE_CHECKING:  # with __getattr__ a type checker accepts any name

    def __getattr__(name: str) -> Any:
        """Import names that need NumPy or pytest on first access."""
        if name == "__version__":
            return _version()
        if name not in _LAZY:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f".{_LAZY[name]}", __name__), name)

    def __dir__() -> list[str]:
        """Return the names that a notebook completes."""
        return sorted({*globals(), *__all__})
