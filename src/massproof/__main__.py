"""`python -m massproof` is the command line."""

from massproof.cli import main

if __name__ == "__main__":
    main()
