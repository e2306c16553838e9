"""Everything that touches TensorFlow and Keras.

Importing this package imports both; nothing above it does so at its own import.
"""

from .backend.snapshot import SavedSeeds, preserved_seeds, set_seed
from .trainer import Trainer
from .watching import Watch, watching

__all__ = [
    "SavedSeeds",
    "Trainer",
    "Watch",
    "preserved_seeds",
    "set_seed",
    "watching",
]
