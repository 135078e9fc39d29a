"""`python -m resnetc`: the same program as `resnetc`."""

import sys

from resnetc.cli import main

if __name__ == "__main__":
    sys.exit(main())
