"""The memory that claims tell for a batch and a precision, against what autograd keeps of the real module."""

from pathlib import Path

import pytest
import torch

import resnetc
from resnetc.compiler.driver.session import Session
from resnetc.compiler.measures.costs import count_activation_bytes, evaluate_cost
from resnetc.runtime.model import loader
from tests.support import measure_saved_bytes


@pytest.mark.parametrize(("precision", "item"), [("float64", 8), ("float32", 4), ("bfloat16", 2)])
@pytest.mark.parametrize(("spec", "size"), [("digits", 16), ("imagenet/resnet18", 64)])
def test_an_image_more_keeps_what_is_told(spec: str, size: int, precision: str, item: int) -> None:
    """Between two batches what does not grow with them, such as the statistics of a batch norm, falls away."""
    compiled = resnetc.compile(spec)
    type = getattr(torch, precision)
    model = loader.build_network(compiled.source, Path("model.py"), torch.device("cpu")).train().to(type)
    channels = compiled.network.input.channels
    small, large = (measure_saved_bytes(model, torch.randn(n, channels, size, size, dtype=type)) for n in (2, 5))
    assert large - small == 3 * evaluate_cost(count_activation_bytes(compiled.network, item).total, (size, size))


def test_a_claim_tells_the_same_number() -> None:
    compiled = resnetc.compile("digits")
    told = 7 * evaluate_cost(count_activation_bytes(compiled.network, 2).total, (20, 24))
    text = (Path(resnetc.__file__).parent / "specs" / "digits.resnet").read_text("utf-8").rstrip().removesuffix("}")
    session = Session()
    claim = f'expect activation_bytes(20, 24, batch=7, precision="bfloat16") == {told}'
    session.add("-", f"{text}  {claim}\n}}\n".encode())
    (network,) = session.compile_networks()
    assert network.contracts[-1].verdict == "checked"
