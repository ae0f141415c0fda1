"""`python -m econ_ae` is `econ-ae`."""

from econ_ae.cli import main

main()
