"""Generated C++ compiled, run and compared with the emulator."""

from sim.hls.verify import HlsResult, verify_hls

__all__ = ["HlsResult", "verify_hls"]
