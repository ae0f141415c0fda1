"""`python -m econ_ae` is `econ-ae`."""

from econ_ae.app.cli import main

main()
