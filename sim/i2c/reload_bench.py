"""cocotb bench of the complete block, behind ``block_bench``: how long a load of all weights flags events."""

from __future__ import annotations

from rtl_gen.registers import flagged_events, weight_writes
from sim.i2c.block_bench import OLD, BlockBench, block_test
from sim.i2c.master import Master, Timing
from sim.i2c.support import FAST, Facts

_RELOADED = 3  # phase of the vectors: old settings with the other weights
_BEFORE = _AFTER = 100  # clocks with events around the load


@block_test
async def reload_while_streaming(bench: BlockBench) -> Facts:
    """Load all weights anew in one transaction at a frequency of I2C, an event at every clock."""
    for write in bench.writes[OLD]:
        await bench.write(write.address, write.data)
    await bench.set_control("enable")
    image = bench.phases[_RELOADED].configuration["weights"].to_bytes(-(-bench.layout.weight_bits // 8), "little")
    writes, hertz = weight_writes(bench.layout, image), bench.job["reload_hertz"]
    bench.begin_stream()
    await bench.clocks(_BEFORE)
    bench.master = Master(bench.bus, Timing.of_frequency(hertz))
    await bench.write_at_once(writes)
    bench.master = Master(bench.bus, FAST)
    await bench.clocks(_AFTER)
    counts = await bench.end_stream(OLD, _RELOADED, "reload")
    stated = flagged_events(writes, hertz, bench.job["latency"])
    bench.found.equal(counts.flagged, stated, f"events flagged by a load of all weights at {hertz} Hz")
    bench.found.equal(counts.exact > _AFTER, True, "events before and after the load are not flagged")
    bench.check_ports("after the reload")
    return {"exact": counts.exact, "reloaded_flagged": counts.flagged, "reloaded_mixtures": counts.mixtures}
