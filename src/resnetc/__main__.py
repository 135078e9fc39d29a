"""`python -m resnetc`: the same program as `resnetc`."""

import os
import sys

from resnetc.cli.main import main

if __name__ == "__main__":
    status = main()
    if "TORCHELASTIC_RUN_ID" in os.environ:
        # Under torchrun all is saved by now. A thread of torch's that is still putting a message away while Python ends
        # can abort the process, and torchrun would call the finished training a failure.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
