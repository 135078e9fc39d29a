"""The shipped zoo against the records of torchvision's and timm's nets, module by module.

    python benchmarks/records.py [--quick] [--only NAME ...] [--spec FILE]

For each net of tests/oracle/{oracle,wide,far}.json: parameters, keys, their order and those of the parameters,
multiply-adds, accepted sizes and, unless `--quick`, the outputs where the record has some. Then come the nets that
differ, and those that are not shipped, with the reason that docs/zoo.md gives. `--only` takes names of nets or of
modules (`regnetx_008`, `timm/regnet`); with `--spec` the nets of one file are compared, wherever it stands. Ends with
status 1 where a net differs, or is missing without a reason.
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from resnetc.compiler.checked_network import CheckedNetwork
    from resnetc.compiler.driver.session import Session

ROOT = Path(__file__).resolve().parent.parent


def read_reasons() -> list[tuple[str, str, str]]:
    """Module, pattern of names and reason, by the rows of docs/zoo.md on what is left out."""
    text = (ROOT / "docs" / "zoo.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w/]+)` \| ([^|]+) \| ([^|]+) \|$", text.partition("\n## What is left out")[2], re.M)
    return [(module, name, why.strip()) for module, names, why in rows for name in re.findall(r"`([^`]+)`", names)]


def find_reason(net: str, module: str) -> str | None:
    name = net.partition("/")[2]
    return next((why for of, pattern, why in read_reasons() if of == module and fnmatchcase(name, pattern)), None)


def read_networks(spec: str) -> Iterator[tuple[str, Session, CheckedNetwork]]:
    """The networks of a spec that have records, by their ids."""
    from resnetc.compiler.driver.session import Session
    from tests.oracle.records import RECORDS

    session = Session()
    session.add(spec)
    for checked in session.compile_networks():
        libraries = ["tv", "timm"] if "torchvision" in Path(spec).parts else ["timm", "tv"]
        ids = [f"{library}/{checked.network.name}" for library in libraries]
        if not spec.startswith("zoo/"):
            ids = [net for net in ids if net in RECORDS][:1]
        if ids and ids[0] in RECORDS:
            yield ids[0], session, checked
    for diagnostic in session.sink.diagnostics:
        print(f"{spec}: {diagnostic}", file=sys.stderr)


def build(session: Session, checked: CheckedNetwork, device: str) -> nn.Module:
    import torch

    namespace: dict[str, Any] = {"__name__": "generated"}
    exec(compile(session.render(checked), checked.network.name, "exec"), namespace)
    with torch.device(device):
        model: nn.Module = namespace["build"]()
        return model


def compare(net: str, session: Session, checked: CheckedNetwork, quick: bool) -> dict[str, str]:
    """Where a network differs from its record, by subject."""
    from tests.oracle.records import RECORDS, compare_form, compare_outputs

    differences = compare_form(net, checked, build(session, checked, "meta"))
    if not (quick or differences) and RECORDS[net]["fingerprint"]:
        try:
            compare_outputs(net, lambda: build(session, checked, "cpu"))
        except (AssertionError, RuntimeError) as error:
            differences["outputs"] = f"{type(error).__name__}: {error}"
        gc.collect()
    return differences


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="compare no outputs")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these nets or modules")
    parser.add_argument("--spec", metavar="FILE", help="the nets of one file")
    options = parser.parse_args()

    import torch

    from tests.oracle.records import RECORDS, SUBJECTS
    from tests.oracle.zoo_nets import SPECS

    torch.set_num_threads(1)
    specs = (
        [options.spec]
        if options.spec
        else sorted(
            str(path.relative_to(ROOT / "specs").with_suffix("")) for path in (ROOT / "specs" / "zoo").rglob("*.resnet")
        )
    )
    modules = {net: record.get("module") or SPECS[net] for net, record in RECORDS.items()}

    def asked(net: str) -> bool:
        return not options.only or not {net, net.partition("/")[2], modules[net]}.isdisjoint(options.only)

    differences: dict[str, dict[str, str]] = {}
    for spec in specs:
        for net, session, checked in read_networks(spec):
            if asked(net):
                differences[net] = compare(net, session, checked, options.quick)
                for subject, what in differences[net].items():
                    print(f"{net} differs in {subject}: {what}", flush=True)
    nets = [net for net in RECORDS if asked(net) and (net in differences or not options.spec)]
    by_module = defaultdict(list)
    for net in nets:
        by_module[modules[net]].append(net)
    print(f"{'module':25} {'recorded':>9} {'shipped':>8} " + " ".join(f"{subject:>13}" for subject in SUBJECTS))
    for module, members in sorted(by_module.items()):
        shipped = [net for net in members if net in differences]
        columns = []
        for subject in SUBJECTS:
            compared = [net for net in shipped if subject != "outputs" or RECORDS[net]["fingerprint"]]
            equal = sum(subject not in differences[net] for net in compared)
            columns.append("not compared" if subject == "outputs" and options.quick else f"{equal} of {len(compared)}")
        print(f"{module:25} {len(members):9} {len(shipped):8} " + " ".join(f"{column:>13}" for column in columns))
    wrong = [net for net in nets if differences.get(net)]
    missing = {net: find_reason(net, modules[net]) for net in nets if net not in differences}
    agreed = len(nets) - len(missing) - len(wrong)
    print(f"{len(nets)} nets with records: {agreed} agree, {len(wrong)} differ, {len(missing)} are not shipped")
    for net, why in missing.items():
        print(f"{net} is not shipped: {why or 'no reason in docs/zoo.md'}")
    return 1 if wrong or None in missing.values() or not nets else 0


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    sys.path[:0] = [str(ROOT / "src"), str(ROOT)]
    sys.exit(main())
