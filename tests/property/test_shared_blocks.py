"""A network is the same whether its blocks were expanded for it or borrowed from another one of its file."""

from __future__ import annotations

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resnetc.compiler.diagnostics.render import format_for_people
from resnetc.compiler.driver.session import Session
from resnetc.testing import models

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
BINDINGS = ("", "act=silu", "norm=group_norm(groups=1)", "norm=none", "shortcut=none", "drop=dropout(1/10)")


def family(text: str, bindings: list[str]) -> tuple[str, list[str]]:
    """A spec with instances of its model beside it, each with a slot bound another way, or with none."""
    match = re.search(r"^model (\w+)\(([^)]*)\)", text, re.MULTILINE)
    assert match is not None
    arguments = ["classes=3"] if re.search(r"classes: int(?! =)", match[2]) else []
    names = [f"member{number}" for number in range(len(bindings))]
    for name, binding in zip(names, bindings, strict=True):
        text += f"\nmodel {name} = {match[1]}({', '.join([*arguments, *([binding] if binding else [])])})\n"
    return text, names


def compile_all(text: str, only: str | None) -> tuple[dict[str, str], set[str]]:
    """The modules of all networks, or of one, and what is said of them."""
    session = Session()
    session.add_text(text)
    networks = session.compile_networks(only)
    modules = {checked.network.name: session.render(checked) for checked in networks}
    session.lint(networks)
    return modules, {
        format_for_people([fault], False) for fault in session.sink.diagnostics if fault.severity == "error"
    }


@settings(max_examples=60, suppress_health_check=SLOW)
@given(models(), st.lists(st.sampled_from(BINDINGS), min_size=2, max_size=4))
def test_borrowed_blocks_are_those_of_a_network_on_its_own(text: str, bindings: list[str]) -> None:
    text, names = family(text, bindings)
    together, faults = compile_all(text, None)
    alone = [compile_all(text, name) for name in names]
    assert {name: module for modules, _ in alone for name, module in modules.items()} == {
        name: module for name, module in together.items() if name in names
    }
    assert {fault for _, said in alone for fault in said} <= faults
