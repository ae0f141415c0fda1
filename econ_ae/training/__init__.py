"""Quantization-aware training (with econ_ae.training.freeze, all that imports TensorFlow).

TensorFlow reads these settings when it is first imported, so they stand before any such import: QKeras needs the
legacy Keras, no GPU is assumed, and start-up messages about hardware do not belong on a physicist's terminal.
"""

import os
import sys
import tempfile
import warnings

from econ_ae.errors import ConfigError

if "tensorflow" in sys.modules and os.environ.get("TF_USE_LEGACY_KERAS") not in {"1", "true", "True"}:
    raise ConfigError(
        "TensorFlow was imported with Keras 3, which QKeras cannot use; "
        "import econ_ae.training before TensorFlow and QKeras, or set TF_USE_LEGACY_KERAS=1"
    )

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")


def _import_quietly() -> None:
    """Import TensorFlow while its C++ start-up messages go to a file; show them when the import fails."""
    sys.stderr.flush()
    keep = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            import tensorflow  # noqa: F401, PLC0415
        except ImportError:
            log.seek(0)
            os.write(keep, log.read())
            raise
        finally:
            os.dup2(keep, 2)
            os.close(keep)


_import_quietly()
# QKeras hands quantizers to the constraint serialiser of Keras, which warns of the type and then does the right thing.
warnings.filterwarnings("ignore", message=r"The `keras\.constraints\.serialize\(\)` API should only be used")
