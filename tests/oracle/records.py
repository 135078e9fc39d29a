"""The records of torchvision's and timm's nets, and what a network of a spec has otherwise than its record says."""

import hashlib
from collections.abc import Callable
from typing import Any  # a record is JSON as it is read

from torch import nn

from resnetc.compiler.checked_network import CheckedNetwork
from tests.oracle.fingerprint import check, read_records, state_dict_sha256
from tests.oracle.rounding import check_to_rounding

RECORDS: dict[str, dict[str, Any]] = read_records()

# What is compared, in the order in which it is printed.
FORM = ("parameters", "keys", "order", "multiply-adds", "sizes")
SUBJECTS = (*FORM, "outputs")

# Nets that magnify rounding: two float32 executions of one module differ by more than 1e-5 of the standard deviation.
SENSITIVE = {"timm/resnetv2_50x1_bit", "timm/resnetv2_50d_frn"}


def sha256_of(names: list[str]) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def compare_form(net: str, checked: CheckedNetwork, model: nn.Module) -> dict[str, str]:
    """Where a network and its module (on `meta`, say) differ from a record, by subject; outputs are not looked at."""
    record, declared = RECORDS[net], checked.network.input
    out = {}

    def same(subject: str, here: object, recorded: object) -> None:
        if here != recorded and subject not in out:
            out[subject] = f"{here}, recorded are {recorded}"

    same("parameters", sum(p.numel() for p in model.parameters()), record["params"])
    same("parameters", checked.measures.parameters, record["params"])
    same("keys", state_dict_sha256(model)[:12], record["sd_sha256"][:12])
    same("order", sha256_of([name for name, _ in model.named_parameters()]), record["param_order_sha256"])
    same("order", sha256_of(list(model.state_dict())), record["sd_order_sha256"])
    same("sizes", [declared.channels, *declared.sizes], record["input_size"])
    same("multiply-adds", checked.measures.count_multiply_adds(tuple(record["input_size"][1:])), record["macs"])
    for size, outputs in (record["fingerprint"] or {}).items():
        sizes = [int(n) for n in size.split("x")[2:]]
        accepted = all(n in axis for n, axis in zip(sizes, checked.accepted.axes, strict=True))
        same("sizes", f"{size} {'accepted' if accepted else 'refused'}", size + refusal(outputs))
    return out


def refusal(outputs: object) -> str:
    return " refused" if isinstance(outputs, str) else " accepted"


def compare_outputs(net: str, build: Callable[[], nn.Module]) -> None:
    """Raises where a net computes something else than its record."""
    if net in SENSITIVE:
        check_to_rounding(build(), net)
    else:
        assert check(build(), net)
