"""Which part of the design a module instance belongs to, as the tables of power name them."""

from __future__ import annotations

_REGISTER_BANK = "configuration registers"
_PARTS = (
    (("bank.copy_a", "bank.copy_b", "bank.copy_c"), _REGISTER_BANK),
    (("bank",), "voters and read-out of the registers"),
)


def part_of(path: str, module: str) -> str:
    """Return the part of a module instance.

    Parameters
    ----------
    path : hierarchical, ``datapath.layer_conv.mac_3``; the top is empty
    module : its name in the netlist
    """
    steps = path.split(".") if path else []
    if not steps:
        return f"{module} itself"
    if steps[0] == "configuration":
        inside = ".".join(steps[1:])
        for prefixes, part in _PARTS:
            if any(inside == prefix or inside.startswith(prefix + ".") for prefix in prefixes):
                return part
        return "I2C, status, CRC"
    if steps[0] == "datapath":
        steps = steps[1:]
    if not steps:
        return "datapath itself"
    if steps[0].startswith("register_"):
        return "pipeline registers"
    return {"squeeze": "formatter", "formatter": "formatter", "bx_header": "formatter"}.get(steps[0], steps[0])
