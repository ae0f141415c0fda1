"""The chain of a block from input to output: modules, and pipeline registers that carry all that is still needed."""

from __future__ import annotations

from dataclasses import dataclass, field

from rtl_gen.verilog.render import bit_range

REGISTER = "econ_ae_pipeline_register"
VALID = "valid"


@dataclass(frozen=True)
class Item:
    """One thing of a block's top module.

    Parameters
    ----------
    comment : what it does
    module, instance : names; no instance when ``module`` is empty
    connections : (port, expression)
    wires : (range, name) declared in front of it
    assigns : (left, right) behind it
    parameters : ``#(...)`` and a blank, or nothing
    """

    comment: str
    module: str = ""
    instance: str = ""
    connections: tuple[tuple[str, str], ...] = ()
    wires: tuple[tuple[str, str], ...] = ()
    assigns: tuple[tuple[str, str], ...] = ()
    parameters: str = ""


def wire_range(width: int) -> str:
    """Return the range and a blank of a wire of this width; nothing for one bit."""
    return "" if width == 1 else f"{bit_range(width)} "


@dataclass
class Chain:
    """Collects the items of a block; knows where each signal of the event is after the last of them.

    Attributes
    ----------
    items : in order of the data flow
    nets : current net of every live signal of the event
    widths : their widths in bits
    """

    items: list[Item] = field(default_factory=list)
    nets: dict[str, str] = field(default_factory=lambda: {VALID: "in_valid"})
    widths: dict[str, int] = field(default_factory=dict)

    def signal(self, name: str, net: str, width: int) -> None:
        """Say where a signal is now."""
        self.nets[name], self.widths[name] = net, width

    def drop(self, *names: str) -> None:
        """Say that nothing behind here reads these signals."""
        for name in names:
            del self.nets[name], self.widths[name]

    def register(self, stage: str) -> None:
        """Add a pipeline register on every live signal."""
        live = list(self.widths)
        new = {name: f"{name}_{stage}" for name in (*live, VALID)}
        total = sum(self.widths[name] for name in live)
        self.items.append(
            Item(
                f"Pipeline register {stage}",
                REGISTER,
                f"register_{stage}",
                (
                    ("clk", "clk"),
                    ("rst_n", "rst_n"),
                    ("in_valid", self.nets[VALID]),
                    ("in_data", _joined([self.nets[name] for name in live])),
                    ("out_valid", new[VALID]),
                    ("out_data", _joined([new[name] for name in live])),
                ),
                (*((wire_range(self.widths[name]), new[name]) for name in live), ("", new[VALID])),
                parameters=f"#(.WIDTH({total})) ",
            )
        )
        self.nets |= new


def _joined(nets: list[str]) -> str:
    return nets[0] if len(nets) == 1 else "{" + ", ".join(nets) + "}"
