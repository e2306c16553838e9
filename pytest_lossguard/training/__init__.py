"""Everything that touches TensorFlow and Keras.

Importing this package imports both; nothing above it does so at its own import.
"""

from .fit import Trainer
from .state import SavedSeeds, preserved_seeds, set_seed
from .watch import Watch, watching

__all__ = [
    "SavedSeeds",
    "Trainer",
    "Watch",
    "preserved_seeds",
    "set_seed",
    "watching",
]
