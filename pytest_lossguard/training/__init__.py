"""Everything that touches TensorFlow and Keras.

Importing this package imports both; nothing above it does so at its own import.
"""

from .state import SavedSeeds, preserved_seeds, set_seed
from .trainer import Trainer
from .watch import Watch, watching

__all__ = [
    "SavedSeeds",
    "Trainer",
    "Watch",
    "preserved_seeds",
    "set_seed",
    "watching",
]
