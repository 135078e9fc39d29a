"""Writes specs/networks.json: the name, the place and the figures of every shipped network.

    python tools/make_index.py

A test compares the file with a fresh one; `resnetc list` takes its figures from it as long as the specs are those.
"""

from __future__ import annotations

from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.driver import network_index
from resnetc.compiler.driver.session import Session
from resnetc.compiler.loader.loader import list_shipped
from resnetc.views import tables


def check_shipped() -> list[CheckedNetwork]:
    session = Session()
    for name in list_shipped():
        session.add(name)
    networks = session.compile_networks()
    if session.sink.failed:
        raise SystemExit("a shipped spec has faults: see `resnetc check specs`")
    return networks


def render(networks: list[CheckedNetwork]) -> str:
    rows = [network_index.make_row(checked, tables.accepted(checked)) for checked in networks]
    return network_index.render_index(rows, network_index.read_aliases(rows))


if __name__ == "__main__":
    network_index.FILE.write_text(render(check_shipped()), encoding="utf-8")
    print(f"{network_index.FILE.name}: {network_index.FILE.stat().st_size} bytes")
