"""A project's preprocessing: what training does, and what the service does."""

from __future__ import annotations

import numpy as np
import pandas as pd

NUMBERS = ["area", "rooms"]


def load_sample() -> tuple[pd.DataFrame, np.ndarray]:
    """Some raw rows and their prices."""
    draw = np.random.default_rng(0)
    rows = 200
    frame = pd.DataFrame(
        {
            "area": draw.gamma(9, 10, rows).round(1) + 20,
            "rooms": draw.integers(1, 8, rows),
            "city": draw.choice(["Bonn", "Cork", "Lima", "Oslo"], rows),
            "customer_id": np.arange(5000, 5000 + rows),
        }
    )
    return frame, (frame["area"] * 3 + frame["rooms"] * 10).to_numpy()


class Preprocessing:
    """Fitted in training, kept with the model, called by the service."""

    def prepare(
        self, frame: pd.DataFrame, price: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        cut = len(frame) * 4 // 5
        train, held_out = frame[:cut], frame[cut:]
        self.mean, self.std = train[NUMBERS].mean(), train[NUMBERS].std()
        self.cities = sorted(train["city"].unique())
        return self.serve(train), price[:cut], self.serve(held_out), price[cut:]

    def serve(self, frame: pd.DataFrame) -> np.ndarray:
        numbers = (frame[NUMBERS] - self.mean) / self.std
        city = [frame["city"] == it for it in self.cities]
        return np.column_stack([numbers, *city]).astype("float32")
