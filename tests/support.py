"""What many tests do: check a text, compile it, import its module, run a command, start a fresh Python.

Torch is imported where it is used, so that what needs none runs without.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

import resnetc
from resnetc.cli.main import main
from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.diagnostics.diagnostic import Diagnostic
from resnetc.compiler.driver.session import Session
from resnetc.compiler.driver.shared_work import SharedWork
from resnetc.compiler.measures.summary import list_state_dict_keys

if TYPE_CHECKING:
    from torch import Tensor, nn

    from resnetc.compiler.source import Span
    from resnetc.runtime.data import ImageSet, Outline
    from resnetc.testing import Trial

ROOT = Path(__file__).parents[1]
SHIPPED = SharedWork()
"""What the sessions that expand all shipped networks have in common; each text has one tree (`tests/conftest.py`)."""


# -- a text -----------------------------------------------------------------------------------------------------------


def open_session(spec: str | Path) -> Session:
    """A session that has read a text as from standard input, or a file."""
    session = Session()
    if isinstance(spec, Path):
        session.add(str(spec))
    else:
        session.add("-", spec.encode("utf-8", "surrogatepass"))
    return session


def check(spec: str | Path, **settings: str) -> tuple[list[CheckedNetwork], list[Diagnostic]]:
    """The networks of a text or a file under `--set`, and what is said of it."""
    session = open_session(spec)
    return session.compile_networks(settings=list(settings.items())), session.sink.diagnostics


def diagnose(spec: str | Path, **settings: str) -> list[Diagnostic]:
    return check(spec, **settings)[1]


def warn(spec: str | Path) -> list[Diagnostic]:
    """What is said of a text or a file, warnings included."""
    session = open_session(spec)
    session.lint(session.compile_networks())
    return session.sink.diagnostics


def list_faults(spec: str | Path, **settings: str) -> list[str]:
    """What is said of a text or a file: the code and the message of each."""
    return [f"{fault.code} {fault.message}" for fault in diagnose(spec, **settings)]


def compile_text(text: str) -> tuple[CheckedNetwork, str]:
    """The one network of a text that has no fault, and the text of its module."""
    session = open_session(text)
    (checked,) = session.compile_networks()
    source = session.render(checked)
    assert session.sink.diagnostics == []
    return checked, source


def compile_network(spec: str, model: str | None = None, **settings: int) -> tuple[CheckedNetwork, str]:
    """One network of a file or of a shipped spec under `--set`, and the text of its module."""
    session = Session()
    session.add(spec)
    (checked,) = session.compile_networks(model, [(key, str(value)) for key, value in settings.items()])
    return checked, session.render(checked)


def count_parameters(spec: str, **settings: object) -> int:
    """The parameters of a shipped network, as predicted."""
    return resnetc.compile(spec, **settings).checked.measures.parameters


def write_model(*lines: str, items: str = "", parameters: str = "") -> str:
    """A spec of one model, `net`, whose input is [3, H] with H = 16 by default; items: what is defined before it."""
    body = "\n  ".join(["input [3, H] = [3, 16]", *lines])
    return f"edition 1\n{items}model net({parameters}) {{\n  {body}\n}}\n"


def list_modules_with_keys(trial: Trial) -> list[str]:
    """What the keys of a network begin with, in their order: the modules that they are of."""
    return list(dict.fromkeys(key.rpartition(".")[0] for key, _ in list_state_dict_keys(trial.network)))


def format_position(span: Span) -> str:
    """`LINE:COLUMN` of the start of a span."""
    position = span.source.find_position(span.start)
    return f"{position.line}:{position.column}"


def replace_once(text: str, old: str, new: str) -> str:
    """A text with `new` in place of `old`, which it must have exactly once."""
    assert text.count(old) == 1
    return text.replace(old, new)


def describe(fault: Diagnostic | None) -> str:
    """A fault as text: its message, its labels with what they point at, its notes and its help, without places."""
    assert fault is not None
    lines = [
        f"{fault.code} {fault.message}",
        *(f"{label.span.text}: {label.text}" for label in (fault.primary, *fault.labels)),
        *(f"note {note}" for note in fault.notes),
        *(f"help {help}" for help in fault.helps),
    ]
    return "\n".join(" ".join(re.sub(r" \([\w/ .]+:\d+:\d+\)", "", line).split()) for line in lines)


def strip_lines(text: str) -> str:
    """A text without the indentation that it has in a test."""
    return "\n".join(line.strip() for line in text.strip().split("\n"))


# -- a data set -------------------------------------------------------------------------------------------------------


def outline_of(data: ImageSet) -> Outline:
    """What is known of a set before its images are read, told by the set itself."""
    from resnetc.runtime.data import Outline

    train, test = len(data.train_labels), len(data.test_labels)
    return Outline(data.name, data.classes, data.channels, data.size, train, test, lambda: data)


# -- a module ---------------------------------------------------------------------------------------------------------


def import_module(source: str, name: str = "net") -> ModuleType:
    module = ModuleType(name)
    exec(compile(source, name, "exec", dont_inherit=True), module.__dict__)  # its annotations are no texts, as here
    return module


def build(source: str) -> nn.Module:
    """The network of a module, with new weights and in training mode."""
    model: nn.Module = import_module(source).build()
    return model


@contextmanager
def record_saved_bytes(model: nn.Module) -> Iterator[dict[int, int]]:
    """What autograd keeps of the forward passes made meanwhile: bytes by address, each memory once, weights and buffers
    left out. The sum is right as long as the graph lives."""
    import torch

    state = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}
    saved: dict[int, int] = {}

    def record(tensor: Tensor) -> Tensor:
        memory = tensor.untyped_storage()
        if memory.data_ptr() not in state:
            saved[memory.data_ptr()] = memory.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(record, lambda tensor: tensor):
        yield saved


def measure_saved_bytes(model: nn.Module, images: Tensor) -> int:
    """What autograd keeps of a forward pass, each memory once, weights and buffers left out."""
    with record_saved_bytes(model) as saved:
        output = model(images)
    assert output.requires_grad  # the graph, and with it what it keeps, lives until here
    return sum(saved.values())


# -- a command --------------------------------------------------------------------------------------------------------


class Ran(NamedTuple):
    """A command that ended: its status and what it wrote."""

    status: int
    out: str
    err: str


def run_command(*arguments: str) -> Ran:
    """A command of `resnetc`, in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main(arguments)
        except SystemExit as stop:  # argparse, after --help
            status = int(stop.code or 0)
    return Ran(status, out.getvalue(), err.getvalue())


def run_python(
    program: str,
    *arguments: str,
    options: tuple[str, ...] = (),
    folder: Path | None = None,
    input: str | None = None,
    timeout: int = 300,
) -> subprocess.CompletedProcess[str]:
    """A program in a Python that has imported nothing; the packages are those of this tree."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, *options, "-c", program, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, input=input, capture_output=True, text=True, timeout=timeout
    )


def read_folder(folder: Path) -> dict[str, bytes]:
    """Everything below a folder: of a file its bytes, of a link where it leads, of anything else the name alone."""
    contents = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            data = os.fsencode(os.readlink(path))
        else:
            try:
                data = path.read_bytes() if path.is_file() else b""
            except PermissionError:
                data = b""
        contents[path.relative_to(folder).as_posix()] = data
    return contents
