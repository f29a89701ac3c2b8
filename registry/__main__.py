"""`python -m registry` is `zgoda`."""

from registry.cli import main

if __name__ == "__main__":
    main()
