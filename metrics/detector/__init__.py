"""The whole detector: every module with the eLinks that it has, by class, section, layer, eta and thickness."""
