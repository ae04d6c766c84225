"""Run the command line with ``python -m rekindle``."""

from rekindle.cli import main

if __name__ == "__main__":
    main()
