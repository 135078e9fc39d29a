"""Every shipped network of torchvision and timm starts from a file with the library's names and shapes.

The names and shapes of a network are those of its record, by their digest; so its own state dict stands for the file.
"""

import inspect
from functools import cache

import pytest
import torch
from torch import nn

from resnetc.runtime.weights.adaptation import fit_tensors, is_needed
from resnetc.runtime.weights.containers import StateDict
from resnetc.runtime.weights.name_matching import match_names
from tests.oracle.fingerprint import state_dict_sha256
from tests.oracle.records import RECORDS
from tests.oracle.zoo_nets import KINDS, SPECS
from tests.support import compile_network, import_module

IMAGENET = [
    *(("tv", net) for net in "resnet18 resnet34 resnet50 resnet101 resnet152 resnext50_32x4d resnext101_32x8d".split()),
    *(("tv", "wide_resnet50_2"), ("timm", "resnet50d"), ("timm", "seresnet50")),
]
SHIPPED = [
    *((f"{library}/{net}", f"imagenet/{net}") for library, net in IMAGENET),
    *((net, f"zoo/{spec}") for net, spec in SPECS.items()),
]
QUICK = {*KINDS[::6], "tv/densenet121", "tv/resnet18", "timm/seresnet50", "timm/resnet50_clip_gap"}
NETS = [
    pytest.param(net, spec, id=f"{net} in {spec}", marks=() if net in QUICK else pytest.mark.slow)
    for net, spec in SHIPPED
    if net in RECORDS
]


@cache
def compiled(spec: str, net: str) -> tuple[type[nn.Module], int, int]:
    """The class of a network's module, and the channels and classes that the library has."""
    checked, source = compile_network(spec, net.rpartition("/")[2])
    parameters = dict(checked.network.parameters)
    with torch.device("meta"):
        return type(import_module(source).build()), checked.network.input.channels, parameters["classes"]


def on_meta(spec: str, net: str, **settings: int) -> nn.Module:
    """A network for so many channels and classes, by its class's arguments, or compiled anew where it has none."""
    network_class = compiled(spec, net)[0]
    with torch.device("meta"):
        if settings.keys() <= inspect.signature(network_class).parameters.keys():
            return network_class(**settings)
        network: nn.Module = import_module(compile_network(spec, net.rpartition("/")[2], **settings)[1]).build()
        return network


@pytest.mark.parametrize(("net", "spec"), NETS)
def test_a_file_of_the_library_is_taken_but_for_the_head(net: str, spec: str) -> None:
    library = on_meta(spec, net)
    assert state_dict_sha256(library) == RECORDS[net]["sd_sha256"]
    _, channels, classes = compiled(spec, net)
    file = {f"module.{name}": value for name, value in library.state_dict().items() if is_needed(name)}
    for own_channels, own_classes in ((channels, classes), (1, 7), (4, 7)):
        network = on_meta(spec, net, channels=own_channels, classes=own_classes)
        names = network.state_dict()
        matching = match_names([StateDict((), file)], names)
        assert (matching.prefix, matching.names_of, matching.unused) == ("module.", "", ())
        fit = fit_tensors(matching.tensors, network, own_channels, own_classes)
        new_head = [f"{fit.head}.weight", f"{fit.head}.bias"] if own_classes and not classes else []
        assert list(filter(is_needed, matching.missing)) == new_head  # of a library's net that has none
        assert (fit.misfits, fit.other_types) == ({}, [])
        assert {name: tensor.shape for name, tensor in fit.tensors.items()} == {
            name: value.shape
            for name, value in names.items()
            if is_needed(name) and name not in (*fit.classifier, *new_head)
        }
        assert len(fit.classifier) in ((0,) if own_classes == classes or not classes else (1, 2))
        assert bool(fit.adapted) == (own_channels != channels)
        assert {*fit.adapted.values()} <= {channels}
