"""docs/commands.md names every command, option, status and field, and no others."""

import argparse
import json
import re
from pathlib import Path
from typing import Any

import pytest

import resnetc
from resnetc.cli import common
from resnetc.cli.main import build_parser, main
from resnetc.compiler.driver.session import Session

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
BROKEN = "edition 1\nmodel net() {\n  input [3, H] = [3, 8]\n  stem = conv(4)\n  head = identity\n}\n"


def table(title: str) -> list[list[str]]:
    section = TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return [line.split(" | ", 1) for line in re.findall(r"^\| (`.*) \|$", section, re.MULTILINE)]


def fields(title: str) -> set[str]:
    return {name for first, _ in table(title) for name in re.findall(r"`(\w+)`", first)}


def commands() -> dict[str, argparse.ArgumentParser]:
    (action,) = (a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    return dict(action.choices)


def test_every_command_and_option() -> None:
    rows = {first.strip("`").split()[1]: text for first, text in table("Commands")}
    made = commands()
    assert rows.keys() == made.keys()
    for name, text in rows.items():
        options = {o for a in made[name]._actions for o in a.option_strings} - {"-h", "--help"}
        assert set(re.findall(r"`(--?[a-z-]+)`", text)) - {"-"} == options, name


@pytest.mark.parametrize("name", ["OK", "INPUT", "USAGE", "INTERNAL"])
def test_every_status(name: str) -> None:
    assert re.search(rf"\b{getattr(common, name)} ", TEXT.partition("**Exit status.**")[2].partition("\n\n")[0])


def keys(value: Any) -> set[str]:
    return set(value) if isinstance(value, dict) else set()


def test_the_fields_of_a_diagnostic(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "net.resnet"
    spec.write_text(BROKEN)
    assert main(["check", str(spec), "--format", "json"]) == 1
    assert keys(json.loads(capsys.readouterr().out)) == fields("Diagnostics as JSON")


def test_the_fields_of_a_network(capsys: pytest.CaptureFixture[str]) -> None:
    """One with limits, and one that takes no single image everywhere."""
    told = dict(table("A network as JSON"))
    for spec, model in (("zoo/timm/senet", "legacy_seresnet50"), ("zoo/timm/resnetv2", "resnetv2_50d_gn")):
        assert main(["show", spec, "--model", model, "--format", "json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert keys(found) == fields("A network as JSON")
        for name in ("limits", "batches", "stages"):
            for entry in found[name][:1]:
                assert all(f"`{key}`" in told[f"`{name}`"] for key in entry), name


def test_the_python_api() -> None:
    section = TEXT.partition("\n## Python\n")[2].partition("\n## ")[0]
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert code is not None
    namespace: dict[str, Any] = {}
    exec(code[1], namespace)
    assert {"source", "network", "diagnostics", "summary"} <= set(dir(namespace["compiled"]))
    with pytest.raises(ValueError, match="defines"):
        resnetc.compile("cifar/resnet")
    with pytest.raises(ValueError, match="no model `other`"):
        resnetc.compile("cifar/resnet", model="other")


def test_what_a_module_holds() -> None:
    section = TEXT.partition("\n## Generated modules\n")[2]
    session = Session()
    session.add("cifar/resnet")
    networks = session.compile_networks(None, [("depth", "20")])
    namespace: dict[str, Any] = {"__name__": "network"}
    exec(session.render(networks[0]), namespace)
    for name in ("build", "SPEC", "SPEC_SHA256", "COMPILER", "INPUT_SHAPE"):
        assert name in namespace and f"`{name}" in section
