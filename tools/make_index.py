"""Writes specs/networks.json: the name, the place and the figures of every shipped network.

    python tools/make_index.py

A test compares the file with a fresh one; `resnetc list` takes its figures from it as long as the specs are those.
"""

from __future__ import annotations

from resnetc.compiler.driver import network_index
from resnetc.compiler.driver.session import Session
from resnetc.compiler.loader.loader import shipped_names
from resnetc.views import tables


def render() -> str:
    session = Session()
    for name in shipped_names():
        session.add(name)
    networks = [network_index.index_row(checked, tables.accepted(checked)) for checked in session.networks()]
    if session.sink.failed:
        raise SystemExit("a shipped spec has faults: see `resnetc check specs`")
    return network_index.render_index(networks, network_index.further_names(networks))


if __name__ == "__main__":
    network_index.FILE.write_text(render(), encoding="utf-8")
    print(f"{network_index.FILE.name}: {network_index.FILE.stat().st_size} bytes")
