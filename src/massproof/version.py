"""The version of this package, where everything may read it without asking the installer."""

__version__ = "0.1.0"
