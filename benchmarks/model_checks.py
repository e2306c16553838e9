"""Processor time of all model checks of a small MLP, in a separate process.

    python benchmarks/model_checks.py

Prints the seconds of importing TensorFlow, of each check and of all checks together.
The bar is 5 s for all checks, without the import.
"""

from __future__ import annotations

import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")


def main() -> None:
    began = time.process_time()
    from subjects import mlp, numbers

    from pytest_lossguard.model_checks import (
        DEFAULTS,
        ModelCheckPolicy,
        check_of,
        subject_of,
    )

    imported = time.process_time()
    print(f"import {imported - began:.2f} s")
    policy = ModelCheckPolicy.from_keywords(dict.fromkeys(DEFAULTS, True))
    subject = subject_of(mlp, *numbers())
    for name in policy.names:
        start = time.process_time()
        result = check_of(subject, name, policy)
        print(f"{name:24} {time.process_time() - start:.2f} s  {result.outcome}")
    print(f"all {time.process_time() - imported:.2f} s")


if __name__ == "__main__":
    main()
