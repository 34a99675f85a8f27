"""`python -m ivr` is `tonewall`."""

from ivr.cli import main

main()
