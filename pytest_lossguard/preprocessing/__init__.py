"""Contracts: properties that the preprocessing must have, checked without training."""

from __future__ import annotations

from .check import check_relation, contracts, preparation_of
from .policy import DEFAULTS, ContractPolicy
from .preparation import Preparation
from .result import ContractResult

__all__ = [
    "DEFAULTS",
    "ContractPolicy",
    "ContractResult",
    "Preparation",
    "check_relation",
    "contracts",
    "preparation_of",
]
