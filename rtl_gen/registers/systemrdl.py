"""The address map in SystemRDL 2.0."""

from __future__ import annotations

from rtl_gen.registers.model import Access, AddressMap, Register

_PROPERTIES = {
    Access.READ_WRITE: "sw = rw; hw = r;",
    Access.READ_ONLY: "sw = r; hw = w;",
    Access.PULSE: "sw = w; hw = r; singlepulse;",
    Access.CLEAR: "sw = rw; onwrite = wclr; hw = w;",
}


def systemrdl(address_map: AddressMap) -> str:
    """Return the address map as SystemRDL, an ``addrmap`` named ``<model name>_config``.

    Bytes are the unit of access; values are little-endian. An array whose reset values differ (SystemRDL has one for a
    whole array) is written as registers with a number in their name.
    """
    lines = [
        f"// Configuration registers of {address_map.name}, model sha256 {address_map.model_sha256}",
        f"addrmap {address_map.name}_config {{",
        f'    name = "Configuration of {address_map.name}";',
        "    littleendian;",
        "    lsb0;",
        "    default accesswidth = 8;",
    ]
    for register in address_map.registers:
        lines += ["", *_register(register)]
    return "\n".join([*lines, "};"]) + "\n"


def _register(register: Register) -> list[str]:
    same = len(set(register.resets)) == 1
    lines = [] if same else [f"    reg {register.name}_t #(longint unsigned RESET = 0) {{"]
    lines += ["    reg {"] if same else []
    lines += [f'        desc = "{register.description}";', f"        regwidth = {8 * register.size};"]
    for f in register.fields:
        reset = f"{f.width}'h{(register.resets[0] & f.mask) >> f.lsb:x}" if same else "RESET"
        lines += [
            "        field {",
            f'            desc = "{f.description}";',
            f"            {_PROPERTIES[f.access]}",
            f"        }} {f.name}[{f.lsb + f.width - 1}:{f.lsb}] = {reset};",
        ]
    if same:
        array = f"[{register.count}]" if register.array else ""
        stride = f" += {register.size:#x}" if register.array else ""
        return [*lines, f"    }} {register.name}{array} @ {register.address:#x}{stride};"]
    lsb = register.fields[0].lsb
    lines.append("    };")
    for i, value in enumerate(register.resets):
        address = register.address + i * register.size
        lines.append(f"    {register.name}_t #(.RESET({value >> lsb:#x})) {register.name}_{i} @ {address:#x};")
    return lines
