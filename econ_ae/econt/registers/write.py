"""Writes register files: the flat production form and the nested register map (spec 12, forms 2 and 3)."""

from __future__ import annotations

import yaml

from econ_ae.econt.config import EcontConfig
from econ_ae.econt.registers import facts, flat_form, nested_form
from econ_ae.errors import RegisterError


def production_yaml(config: EcontConfig) -> str:
    """Return the flat production form; a prototype configuration is renumbered (mux entries XOR 3).

    The form has no register for the order of the address map: reading it back gives the production order.
    """
    return _dump(flat_form.production(config))


def nested_yaml(config: EcontConfig) -> str:
    """Return the nested register map; a production configuration is renumbered (mux entries XOR 3).

    Reading it back gives the prototype order of the address map. RegisterError for super trigger cell type 4, which
    the prototype's 2 bits cannot hold.
    """
    if config.stc_type > facts.PROTOTYPE_STC_TYPE_MAX:
        raise RegisterError(
            f"stc_type {config.stc_type} does not fit the nested (prototype) form; "
            f"expected 0..{facts.PROTOTYPE_STC_TYPE_MAX}, or write the production form"
        )
    return _dump(nested_form.nested(config))


def _dump(tree: dict[str, object]) -> str:
    return yaml.dump(tree, sort_keys=False, width=120, default_flow_style=None)
