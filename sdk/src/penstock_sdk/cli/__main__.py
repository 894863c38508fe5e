"""Runs the command line as `python -m penstock_sdk.cli`."""

from penstock_sdk.cli import main

if __name__ == "__main__":
    main()
