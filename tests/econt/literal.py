"""The trigger path transcribed from the specification: one event at a time, plain Python integers, bit strings.

Written from econt_spec.md alone and deliberately slow: no table, no vector, nothing from econ_ae.
"""

from __future__ import annotations


def bits(value: int, width: int) -> str:
    assert 0 <= value < 1 << width, (value, width)
    return format(value, f"0{width}b") if width else ""


def input_codes(words: list[int], production: bool) -> list[int]:  # section 1
    codes = []
    for word in words:
        for f in range(4):
            low = 27 - 7 * f - 6 if production else 7 * f
            codes.append((word >> low) % 128)
    return codes


def fixed(code: int, high_density: bool) -> int:  # section 2
    e, m = code // 8, code % 8
    d = 3 if high_density else 1
    s = e - 1 if e > 1 else 0
    if e != 0:
        m += 8
    return (2 * m + 1) << (s + d - 1)


def float_code(v: int, e_bits: int, m_bits: int) -> int:  # section 4
    n = len(bin(v)) - 2 if v else 0
    e = n - m_bits
    if e <= 0:
        return v
    if e >= 2**e_bits:
        return 2 ** (e_bits + m_bits) - 1
    mantissa = bin(v)[3 : 3 + m_bits]
    return int(bits(e, e_bits) + mantissa, 2)


def drop(register: int) -> int:
    return 0 if register > 4 else register


def h5(bx: int) -> str:  # section 5
    return bits(31 if bx == 0 else bx % 16, 5)


def h4(bx: int) -> str:
    return h5(bx)[0] + h5(bx)[2:]


def charges(c: dict, words: list[int]) -> list[int]:
    codes = input_codes(words, c["production"])
    muxed = [codes[c["mux"][i]] for i in range(48)]
    return [(fixed(muxed[i], c["hd"]) * c["cal"][i]) >> 11 for i in range(48)]


def repeater(c: dict, q: list[int], bx: int) -> str:  # section 8.1
    return h5(bx) + "".join(bits(float_code(v >> drop(c["drop"]), 4, 3), 7) for v in q)


def super_trigger_cell(c: dict, q: list[int], bx: int) -> str:  # section 8.2
    t, netx = c["stc_type"], c["elinks"]
    size = 16 if t == 1 else 4
    table = {0: [2, 5, 8, 11, 12], 1: [2, 3], 2: [4, 8, 12], 3: [3, 6, 10, 12]}[t]
    count = table[netx - 1] if netx <= len(table) else table[-1]
    addresses, codes = "", ""
    for g in range(count):
        group = q[g * size : (g + 1) * size]
        where = max(i for i in range(size) if group[i] == max(group))
        total = sum(group)
        if t == 0:
            addresses, codes = addresses + bits(where, 2), codes + bits(float_code(total, 5, 4), 9)
        elif t == 1:
            addresses, codes = addresses + bits(where, 4), codes + bits(float_code(total, 5, 4), 9)
        elif t == 2:
            codes += bits(float_code(total >> drop(c["drop"]), 4, 3), 7)
        else:
            addresses, codes = addresses + bits(where, 2), codes + bits(float_code(total >> drop(c["drop"]), 4, 3), 7)
    return h4(bx) + addresses + codes


def batcher(values: list[int]) -> list[int]:
    """Indices after Knuth's algorithm 5.2.2 M, comparators one by one, descending, swap only if strictly smaller."""
    n = len(values)
    a = [(v, i) for i, v in enumerate(values)]
    t = 0
    while 2**t < n:
        t += 1
    p = 2 ** (t - 1)
    while p > 0:
        q, r, d = 2 ** (t - 1), 0, p
        while True:
            for i in range(n - d):
                if i & p == r and a[i][0] < a[i + d][0]:
                    a[i], a[i + d] = a[i + d], a[i]
            if q == p:
                break
            d, q, r = q - p, q // 2, p
        p //= 2
    return [i for _, i in a]


def address_map(c: dict, sent: set[int]) -> str:
    order = range(47, -1, -1) if c["production"] != c.get("flip_map", False) else range(48)
    return "".join("1" if t in sent else "0" for t in order)


def best_choice(c: dict, q: list[int], bx: int) -> str:  # section 8.3
    v = [min(x >> drop(c["drop"]), 262143) for x in q]
    n = [1, 4, 6, 9, 14, 18, 23, 28, 32, 37, 41, 46, 48][c["elinks"] - 1]
    sent = set(batcher(v)[:n])
    rest = sum(v) if c["use_sum"] else sum(v[t] for t in range(48) if t not in sent)
    out = h4(bx) + bits(float_code(rest, 5, 3), 8)
    if n < 8:
        out += "".join(bits(t, 6) for t in sorted(sent))
    else:
        out += address_map(c, sent)
    return out + "".join(bits(float_code(v[t], 4, 3), 7) for t in sorted(sent))


def threshold_frame(c: dict, q: list[int], bx: int) -> str:  # section 8.4
    sent = [t for t in range(48) if q[t] >= c["thr"][t]]
    rest = sum(q) if c["use_sum"] else sum(q[t] for t in range(48) if t not in sent)
    s = bits(float_code(rest, 5, 3), 8)
    codes = "".join(bits(float_code(q[t] >> drop(c["drop"]), 4, 3), 7) for t in sent)
    if not sent:
        out = h5(bx) + "000" + s
    elif len(sent) <= 7:
        out = h5(bx) + "010" + s + bits(len(sent), 3) + "".join(bits(t, 6) for t in sent) + codes
    else:
        out = h5(bx) + "100" + s + address_map(c, set(sent)) + codes
    while len(out) % 16:
        out += "0"
    return out


def threshold_sum(c: dict, rows: list[list[int]], crossings: list[int]) -> list[str]:
    per = 2 * c["elinks"]
    memory = ["1" * 16] * 400
    pointer = 0  # words waiting
    out = []
    for q, bx in zip(rows, crossings, strict=True):
        idle = h5(bx) + bits(c["sync"], 11)
        frame = threshold_frame(c, q, bx)
        words = [frame[i : i + 16] for i in range(0, len(frame), 16)]
        everything = bits(float_code(sum(q), 5, 3), 8)
        if pointer + len(words) > c["t1"]:
            written, real = [h5(bx) + "110" + everything, idle], 1
        elif pointer > c["t2"] and len(words) <= c["t3"]:
            written, real = [h5(bx) + "111" + everything, idle], 1
        else:
            written, real = words + [idle] * (26 - len(words)), len(words)
        for i, word in enumerate(written):
            if pointer + i <= 399:
                memory[pointer + i] = word
        pointer += real
        out.append("".join(memory[:per]))
        moved = list(memory)
        for i in range(per, 400):
            moved[i - per] = memory[i]
        memory = moved
        pointer = max(pointer - per, 0)
    return out


def signed6(value: int) -> int:
    return value - 64 if value > 31 else value


def weight(c: dict, n: int) -> int:  # section 7
    return signed6((c["image"] >> (6 * n)) % 64)


def autoencoder(c: dict, q: list[int], bx: int) -> str:  # section 6
    s = sum(q)
    k = len(bin(s)) - 3 if s else 0
    x = [(v << 7) >> k for v in q] if s else [0] * 48
    img = [[0] * 9 for _ in range(9)]  # one row of zeros at the bottom, one column at the right
    for r in range(4):
        for col in range(8):
            img[r][col] = x[8 * r + col]
    for r in range(4, 8):
        for col in range(4):
            img[r][col] = x[32 + 4 * (r - 4) + col]
    h = [0] * 128
    for r in range(4):
        for col in range(4):
            for f in range(8):
                acc = weight(c, 72 + f) << 2
                for kh in range(3):
                    for kw in range(3):
                        acc += (img[2 * r + kh][2 * col + kw] * weight(c, (kh * 3 + kw) * 8 + f)) >> 5
                h[(4 * r + col) * 8 + f] = max(acc, 0)
    y = []
    for o in range(16):
        z = weight(c, 2128 + o) << 3
        for i in range(128):
            z += (h[i] * weight(c, 80 + o * 128 + i)) >> 4
        y.append(min(max(z, 0), 511))
    sumcode = bits(float_code(s, 5, 4), 9)
    row = "".join(bits(y[o], 9) for o in range(15, -1, -1))
    mask = bits(c["keep"], 144)
    kept = "".join(b for b, m in zip(row, mask, strict=True) if m == "1")
    room = min(18 + 32 * (c["elinks"] - 1), 146)
    data = kept[len(kept) - room :] if len(kept) > room else "0" * (room - len(kept)) + kept
    return h5(bx) + sumcode + data


def links(frame: str) -> list[int]:
    padded = frame + "0" * (13 * 32 - len(frame))
    return [int(padded[32 * i : 32 * i + 32], 2) for i in range(13)]


def crossings(rows: list[list[int]]) -> list[int]:
    out, bx = [], -1
    for words in rows:
        bx = 0 if words[0] >> 28 == 9 else (bx + 1) % 3564
        out.append(bx)
    return out


def run(c: dict, rows: list[list[int]]) -> list[list[int]]:
    bx = crossings(rows)
    q = [charges(c, words) for words in rows]
    if c["select"] == 0:
        return [links(frame) for frame in threshold_sum(c, q, bx)]
    algorithm = {1: super_trigger_cell, 2: best_choice, 3: repeater, 4: autoencoder}[c["select"]]
    return [links(algorithm(c, e, b)) for e, b in zip(q, bx, strict=True)]
