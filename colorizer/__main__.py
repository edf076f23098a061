"""`python -m colorizer` is the command `colorize`."""

from colorizer.cli import main

if __name__ == "__main__":
    main()
