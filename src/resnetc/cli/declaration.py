"""How a command is declared: `command(name, function, help, example)` gives its parser."""

import argparse
from collections.abc import Callable

Command = Callable[[str, Callable[[argparse.Namespace], int], str, str], argparse.ArgumentParser]
