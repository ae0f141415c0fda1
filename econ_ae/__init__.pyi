from econ_ae.app.api import Comparison as Comparison
from econ_ae.app.api import Decoder as Decoder
from econ_ae.app.api import EconAeError as EconAeError
from econ_ae.app.api import Encoder as Encoder
from econ_ae.app.api import Images as Images
from econ_ae.app.api import Row as Row
from econ_ae.app.api import Run as Run
from econ_ae.app.api import emd as emd
from econ_ae.app.api import load as load
from econ_ae.app.api import plot as plot
from econ_ae.app.api import read as read

__version__: str
