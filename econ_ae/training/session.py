"""A training that knows nothing of those before it in the same process."""

from __future__ import annotations

import gc

import tf_keras as keras


def begin_anew() -> None:
    """Forget what earlier trainings of this process left in TensorFlow: their graphs, names and memory."""
    keras.backend.clear_session()
    gc.collect()
