"""All code that touches TensorFlow and Keras.

Importing this package imports both; no package above it does so when it is imported.
"""

from .backend.snapshot import SavedSeeds, preserved_seeds, set_seed
from .trainer import Trainer
from .watching.watch import Watch, watching

__all__ = [
    "SavedSeeds",
    "Trainer",
    "Watch",
    "preserved_seeds",
    "set_seed",
    "watching",
]
