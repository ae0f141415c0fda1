"""econ-ae in Python: what ``import econ_ae`` hands out by name, for notebooks and scripts.

    import econ_ae

    run = econ_ae.load("runs/frontier-synthetic-1/3elinks")
    images = run.report_events()
    frames = run.encoder.frames(images)              # uint32 (n, 13), what the links carry
    received = run.decoder.charges(frames, images)   # float64 (n, cells), what the receiver makes of it
    econ_ae.plot.wafer(images.charges[0])

What is named here is public. A name that is to go still works for two minor versions with a ``DeprecationWarning`` that
says what takes its place.
"""

from econ_ae.app.api import plot
from econ_ae.app.api.comparison import Comparison, Row
from econ_ae.app.api.runs import Decoder, Encoder, Run, emd, load, read
from econ_ae.data.batch import Batch as Images
from econ_ae.errors import EconAeError

__all__ = ["Comparison", "Decoder", "EconAeError", "Encoder", "Images", "Row", "Run", "emd", "load", "plot", "read"]
