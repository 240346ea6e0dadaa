"""`python -m artgrab.cli` is `artgrab`."""

from artgrab.cli.main import main

main()
