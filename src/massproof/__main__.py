"""`python -m massproof` is the command line."""

from massproof.cli import main

main()
