"""The address map as a Markdown table."""

from __future__ import annotations

from rtl_gen.registers.model import AddressMap, Register


def markdown(address_map: AddressMap) -> str:
    """Return a table with one row per field: address, register, bits, access, reset value, meaning."""
    rows = [
        "| address | register | bits | field | access | reset | meaning |",
        "|---|---|---|---|---|---|---|",
    ]
    for register in address_map.registers:
        name = f"{register.name}[{register.count}]" if register.array else register.name
        for i, f in enumerate(register.fields):
            head = (_addresses(register), f"`{name}`") if i == 0 else ("", "")
            bits = f"{f.lsb + f.width - 1}:{f.lsb}" if f.width > 1 else str(f.lsb)
            meaning = f.description if f.description == register.description else _meaning(register, f.description, i)
            rows.append(
                f"| {head[0]} | {head[1]} | {bits} | `{f.name}` | {f.access} | "
                f"{_resets(register, f.mask, f.lsb)} | {meaning} |"
            )
    return "\n".join(rows) + "\n"


def _meaning(register: Register, text: str, position: int) -> str:
    return f"{register.description} {text[0].upper()}{text[1:]}." if position == 0 else f"{text[0].upper()}{text[1:]}."


def _addresses(register: Register) -> str:
    if register.end - register.address == 1:
        return f"`0x{register.address:04X}`"
    return f"`0x{register.address:04X}`-`0x{register.end - 1:04X}`"


def _resets(register: Register, mask: int, lsb: int) -> str:
    values = [(value & mask) >> lsb for value in register.resets]
    if len(set(values)) == 1:
        return f"{values[0]:#x}" if values[0] > 9 else str(values[0])
    return "its index" if values == list(range(len(values))) else "the model's"
