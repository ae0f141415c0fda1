"""Area of an encoder's complete block without synthesis: a model that was fitted to synthesis."""

from econ_ae.app.area_model.estimate import AreaEstimate, PartEstimate, estimate

__all__ = ["AreaEstimate", "PartEstimate", "estimate"]
