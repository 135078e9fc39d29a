"""Outputs of nets that magnify rounding, held against records that are rounded themselves."""

import copy

import torch
from torch import Tensor, nn

from tests.oracle.fingerprint import check, fill_, make_input, read_records

# The smallest difference that a wrong setting makes in one of these nets: an eps of 1e-6 for 1e-8 in the standardised
# weights of BiT. A bound has to stay below it.
SMALLEST_FAULT = 2e-4


def check_to_rounding(model: nn.Module, net: str) -> None:
    """Raises unless a record is as near to the exact outputs as float32 executions of the model are.

    In units of the outputs' standard deviation, float32 executions of these nets lie 1e-5 to 6e-5 from the float64
    one, each library of kernels elsewhere, and so does the record; no tolerance of 1e-5 on a float32 output means
    anything. So the record is compared with the float64 outputs, and may differ from them by twice what the worst of
    three float32 executions does (plain kernels, oneDNN's, channels-last memory).
    """
    check(model, net, tolerance=SMALLEST_FAULT)  # parameters, keys, order, and the function but for rounding
    fill_(model)
    exact_model = copy.deepcopy(model).double()
    record = read_records()[net]
    for size, expected in record["fingerprint"].items():
        image = make_input(tuple(int(n) for n in size.split("x")))
        exact = first(exact_model, image.double())
        bound = 2 * max(distance(found, exact, expected) for found in executions(model, image))
        assert bound < SMALLEST_FAULT, f"{net} at {size}: rounding of {bound:.2g} hides a fault"
        off = distance(torch.tensor(expected["first8"], dtype=torch.float64), exact, expected)
        assert off <= bound, f"{net} at {size}: the record is {off:.2g} of the std off, rounding explains {bound:.2g}"


def executions(model: nn.Module, image: Tensor) -> list[Tensor]:
    """The same function by three orders of float32 sums."""
    found = [first(model, image)]
    with torch.backends.mkldnn.flags(enabled=False):
        found.append(first(model, image))
    last = {"memory_format": torch.channels_last}
    return [*found, first(copy.deepcopy(model).to(**last), image.to(**last))]


@torch.no_grad()
def first(model: nn.Module, image: Tensor) -> Tensor:
    """The outputs that the records hold."""
    return model(image).double().flatten()[:8]


def distance(found: Tensor, exact: Tensor, expected: dict[str, float]) -> float:
    return float((found - exact).abs().max()) / expected["std"]
