"""Messages for a SPEC that names nothing, with the file, shipped spec or shipped network that may be meant."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Label, find_similar
from resnetc.compiler.driver import network_index
from resnetc.compiler.loader.loader import SUFFIX, list_shipped
from resnetc.compiler.source import Source, Span

MIN_LETTERS = 5  # of a name that stands for a longer one
FAMILIES = (  # of networks that many know
    *("alexnet", "bert", "clip", "convnext", "deit", "densenet", "dla", "efficientnet", "ghostnet", "googlenet"),
    *("hrnet", "inception", "mnasnet", "mobilenet", "nasnet", "nfnet", "regnet", "shufflenet", "squeezenet"),
    *("swin", "unet", "vgg", "vit", "xception", "yolo"),
)
LISTED = "`resnetc list` lists the shipped specs and networks"


def no_spec(spec: str) -> Diagnostic:
    """The fault of a SPEC that is no file, no directory, no shipped spec and no shipped network."""
    specs = list_shipped()
    folders = {parent.as_posix() for name in specs for parent in PurePosixPath(name).parents} - {"."}
    folder = spec.rstrip("/")
    message = f"{spec} is not a file, a directory or a shipped spec or network"
    if folder in folders:
        message = f"{spec} is a folder of shipped specs, not a spec"
        help = f"name one of its specs, such as `{min(n for n in specs if n.startswith(f'{folder}/'))}`: "
        help += f"`resnetc list {folder}` lists them"
    else:
        help = suggest_spec(spec, specs, folders)
    return Diagnostic("E0507", message, Label(Span(Source(spec, ""), 0, 0), "not found"), helps=(help,))


def suggest_spec(spec: str, specs: list[str], folders: set[str]) -> str:
    """What a name that is known nowhere most likely stands for, as a help.

    Files are compared without their suffix, which all of them share: `a.resnet` is not like `b.resnet`.
    """
    name = remove_suffix(spec)
    files = {remove_suffix(path.as_posix()): path.as_posix() for path in Path(spec).parent.glob(f"*{SUFFIX}")}
    index = network_index.load_index()
    networks = list(dict.fromkeys([n.name for n in index.networks] + list(index.names)))
    if name in files:
        return f"the file is `{files[name]}`"
    for network in networks:
        if normalize_name(network) == normalize_name(name):
            return f"the shipped network is `{network}`"
    for shipped in specs:
        if normalize_name(name) in (normalize_name(shipped), normalize_name(shipped.rpartition("/")[2])):
            return f"the shipped spec is `{shipped}`"
    if (home := find_in_path(spec, index)) is not None:
        return f"the shipped network with this name is `{home.written}`"
    longer = [n for n in networks if normalize_name(n).startswith(normalize_name(name)) and len(name) >= MIN_LETTERS]
    if longer:
        return f"a shipped network with a longer name exists: `{min(longer, key=lambda n: (len(n), n))}`"
    if (family := find_family(name)) and not any(family in network for network in networks):
        return f"resnetc ships residual networks, but no {family}: {LISTED}"
    near = find_similar(name, [*files, *specs, *networks])
    if near is None:
        near = find_similar(name, folders)
        return f"a similar folder of shipped specs exists: `{near}`" if near else LISTED
    if near in files:
        return f"a similar spec exists: `{files[near]}`"
    return f"a similar {'spec' if near in specs else 'shipped network'} exists: `{near}`"


def find_in_path(name: str, index: network_index.Index) -> network_index.ListedNetwork | None:
    """The network that a part of a longer name is: `timm/resnet50`, `torchvision.models.resnet50`, `tv_resnet50`.

    Where several specs have one of its name, it is the one whose folder the other parts name.
    """
    parts = re.split(r"[/:.]+", name.removeprefix("tv_"))
    for part in reversed(parts if len(parts) > 1 or name.startswith("tv_") else []):
        homes = index.find_networks(part)
        if homes:
            return min(homes, key=lambda home: not set(parts) & set(home.spec.split("/")[:-1]))
    return None


def find_family(name: str) -> str:
    """The family of networks without residual addition, or of other tasks, that a name begins with, or nothing."""
    return next((family for family in FAMILIES if normalize_name(name).startswith(family)), "")


def remove_suffix(path: str) -> str:
    """A path without `.resnet`, however it was written."""
    stem, dot, suffix = path.rpartition(".")
    return stem if dot and stem and find_similar(dot + suffix, [SUFFIX]) else path


def normalize_name(name: str) -> str:
    """What is left of a name where capitals and signs do not count: `resnet50` of `ResNet-50`."""
    return re.sub(r"[^a-z0-9/]", "", name.lower())


def empty_folder(name: str) -> Diagnostic:
    """The fault of a directory without specs, which may have the name of a shipped network."""
    networks = network_index.find_networks(name)
    helps = ["name a directory that contains specs"]
    if networks:
        helps.append(f"the shipped network with this name is `{networks[0].written}`")
    return Diagnostic(
        "E0508",
        f"{name} contains no `.resnet` files",
        Label(Span(Source(name, ""), 0, 0), "this directory"),
        helps=tuple(helps),
    )
