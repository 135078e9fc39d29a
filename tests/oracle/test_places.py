"""A layer computes the same wherever it stands: a step of a model, of a labelled chain, of a stage, of a policy."""

import pytest
import torch

from resnetc.grammar.forms import PARAMETERS
from resnetc.grammar.primitives import PRIMITIVES
from tests.support import build, compile_text

ARGUMENTS = {
    "plain_conv": "12, kernel=3, stride=2",
    "std_conv": "12, kernel=3",
    "group_norm": "groups=4",
    "evo_norm_s0": "groups=2",
    "linear": "5",
    "max_pool": "3, stride=2",
    "avg_pool": "2, stride=2, ceil=true",
    "constant_pad": "1, value=2",
    "pad_channels": "11",
    "subsample": "2",
    "space_to_depth": "5",
    "regroup": "2, 4",
    "reshape": "[4, 5, 10]",
    "clip": "0, 6",
    "dropout": "0.5",
    "drop_path": "0.5",
}
LISTS = {"split", "concat", "sum", "softmax"}  # give or take a list: no step of a sequence does
ONE = sorted(PRIMITIVES.keys() - LISTS - PARAMETERS)  # nor is one a parameter


def built(stem: str, stage: str = "") -> torch.nn.Module:
    text = (
        "edition 1\npolicy same(before: layer, after: layer) { otherwise => identity |> before |> after }\n"
        f"model net() {{\n  input [8, 5, 5] = [8, 5, 5]\n  stem = {stem}\n  {stage}\n  head = identity\n}}\n"
    )
    _, source = compile_text(text)
    torch.manual_seed(0)
    return build(source).eval()


@pytest.mark.parametrize("name", ONE)
def test_a_primitive_means_the_same_in_a_sequence(name: str) -> None:
    before = "global_avg_pool" if name == "linear" else "identity"
    layer = f"{name}({ARGUMENTS.get(name, '')})"
    plain = built(f"{before} |> {layer}")
    x = torch.randn(2, 8, 5, 5)
    for stem, stage in (
        (f"a: ({before} |> {layer})", ""),
        (f"same({before}, {layer})", ""),
        (before, f"stage layer1 = 1 of {layer}"),
        ("identity", f"stage layer1 = 1 of ({before} |> {layer})"),
    ):
        other = built(stem, stage)
        keys = dict(zip(other.state_dict(), plain.state_dict().values(), strict=True))
        other.load_state_dict(keys)
        with torch.no_grad():
            torch.testing.assert_close(other(x), plain(x))
