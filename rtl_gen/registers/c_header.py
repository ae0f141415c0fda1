"""The address map as a C header."""

from __future__ import annotations

from rtl_gen.registers.layout import HASH_BYTES
from rtl_gen.registers.model import AddressMap


def c_header(address_map: AddressMap) -> str:
    """Return a C header of addresses, sizes, masks and reset values; plain ``#define`` lines, valid in C and C++."""
    prefix = f"{address_map.name}_".upper()
    guard = f"{prefix}REGISTERS_H"
    lines = [
        f"/* Configuration registers of {address_map.name}. Values are little-endian in consecutive byte addresses. */",
        f"#ifndef {guard}",
        f"#define {guard}",
        "",
        f'#define {prefix}MODEL_SHA256 "{address_map.model_sha256}"',
        f"#define {prefix}MODEL_HASH_BYTES {HASH_BYTES}",
        f"#define {prefix}WEIGHT_BITS {address_map.weight_bits}",
        f"#define {prefix}WEIGHT_BLOCKS {len(address_map.weight_blocks)}",
        "/* X(address, bytes) for every run of weight bytes, in the order of the weight image */",
        f"#define {prefix}FOR_WEIGHT_BLOCKS(X) \\",
    ]
    blocks = [address_map.register(name) for name in address_map.weight_blocks]
    lines += [f"    X(0x{r.address:04X}, {r.end - r.address}) \\" for r in blocks[:-1]]
    lines += [f"    X(0x{blocks[-1].address:04X}, {blocks[-1].end - blocks[-1].address})"]
    for register in address_map.registers:
        name = prefix + register.name.upper()
        lines += [
            "",
            f"/* {register.description} */",
            f"#define {name}_ADDRESS 0x{register.address:04X}",
            f"#define {name}_SIZE {register.size}",
        ]
        lines += [f"#define {name}_COUNT {register.count}"] if register.array else []
        if len(set(register.resets)) == 1:
            lines.append(f"#define {name}_RESET {_number(register.resets[0], register.size)}")
        for f in register.fields:
            field = f"{name}_{f.name.upper()}"
            lines += [f"#define {field}_LSB {f.lsb}", f"#define {field}_MASK {_number(f.mask, register.size)}"]
    return "\n".join([*lines, "", f"#endif /* {guard} */"]) + "\n"


def _number(value: int, size: int) -> str:
    suffix = {8: "ULL", 4: "UL"}.get(size, "U")
    return f"0x{value:X}{suffix}"
