"""The optional compiled part; everything else is in pyproject.toml.

A C library called through ctypes, so it needs a compiler but no Python headers. Without a compiler the package
installs all the same and takes POT for the EMD.
"""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "metrics._transport",
            ["metrics/transport.c"],
            depends=["metrics/transport_simplex.h"],
            # Contraction to fused multiply-adds would make numbers depend on the processor.
            extra_compile_args=["-O3", "-ffp-contract=off"],
            optional=True,
        )
    ]
)
