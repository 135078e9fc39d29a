"""A run's `model.py` is executed only if it is made of what the compiler writes: no other code of a stranger's runs."""

from pathlib import Path

import pytest

import resnetc
from resnetc.runtime.errors import RunError
from resnetc.runtime.model.confined_text import find_foreign_code
from resnetc.runtime.model.user_classes import admit_source, list_modules

ROOT = Path(__file__).parents[2]
MODULES = [
    path
    for folder in ("generated", "tests/codegen")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "\nCOMPILER = " in path.read_text(encoding="utf-8")
]
NET = """from torch import Tensor, nn
import torch
import torch.nn.functional as F

class Net(nn.Module):
    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.fc = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        {line}
        return self.fc(x.flatten(1))

{after}

def build() -> Net:
    return Net()
"""
ESCAPES = {  # a line of `forward`: each is a way that has led out of some sandbox, or would leave a file behind
    "eval": "eval('1')",
    "open": "open('ran', 'w')",
    "getattr": "getattr(x, 'numpy')",
    "import": "import os",
    "the function of import": "__import__('os').system('touch ran')",
    "the class": "x.__class__",
    "the base of a class": "().__class__.__base__.__subclasses__()",
    "mro": "nn.Module.mro()",
    "globals of a function": "build.__globals__",
    "a frame": "(y for y in (1,)).gi_frame.f_builtins",
    "a stored name of a frame": "self.gi_frame = 1\n        (y for y in (1,)).gi_frame",
    "a builtin hidden by a comprehension": "[eval for eval in (1,)]\n        eval('1')",
    "a file by numpy": "x.numpy().tofile('ran')",
    "a file by a stored name": "self.numpy = self.tofile = 1\n        self.numpy().tofile('ran')",
    "a file by storage": "x.untyped_storage().from_file('ran', True, 8)",
    "a method of a tensor": "x.apply_(print)",
    "a pickle": "torch.load('x')",
    "a file of torch's": "torch.save(x, 'ran')",
    "a module of torch's": "torch.os.system('touch ran')",
    "torch.hub": "torch.hub.load('a', 'b')",
    "torch.ops": "torch.ops.load_library('x.so')",
    "a writer of torch's": "torch.PyTorchFileWriter('ran')",
    "a module of F's": "F.importlib.import_module('os')",
    "a module of init's": "nn.init.torch.save(x, 'ran')",
    "a module of nn's": "nn.modules.module.os",
    "another torch": "nn = torch\n        nn.PyTorchFileWriter('ran')",
    "torch as a value": "y = torch\n        self.save = 1\n        y.save(x, 'ran')",
    "torch as an argument": "self.save = 1\n        [y.save(x, 'ran') for y in (torch,)]",
    "init as a value": "y = nn.init\n        self.torch = 1\n        y.torch",
    "functional as a value": "y = nn.functional\n        self.importlib = 1\n        y.importlib",
    "a module of functional's": "nn.functional.importlib.import_module('os')",
    "linalg as a value": "y = torch.linalg\n        self.sys = 1\n        y.sys",
    "another function of linalg's": "torch.linalg.torch.save(x, 'ran')",
    "another self": "self = x",
    "format": "'{0.__class__}'.format(x)",
    "format in place": "f'{x.__class__}'",
    "a lambda": "(lambda: 1)()",
    "try": "try:\n            pass\n        finally:\n            pass",
    "while": "while True:\n            pass",
    "a function in a function": "def inner(): pass",
    "global": "global open",
    "walrus": "(y := x)",
    "a hook": "self._forward_hooks",
    "compile": "self.compile(backend='x')",
    "print": "print(x)",
    "type": "type('X', (), {})",
}
OUTSIDE = {
    "a call": "open('ran', 'w')",
    "a default": "def other(y=open('ran', 'w')):\n    return y",
    "an annotation": "def other(y: open('ran', 'w')) -> int:\n    return y",
    "a decorator": "@staticmethod\ndef other():\n    pass",
    "a metaclass": "class Other(metaclass=Net):\n    pass",
    "a base": "class Other(type(1)):\n    pass",
    "a body of a class": "class Other(nn.Module):\n    open('ran', 'w')",
    "a special method": "class Other(nn.Module):\n    def __del__(self):\n        pass",
    "a method": "class Other(nn.Module):\n    def mean(self):\n        return self.x",
    "another name of a module": "import torch as nn",
    "a part of torch": "import torch.utils.cpp_extension",
    "a function of torch's": "from torch import load",
    "a function of nn's": "from torch.nn import init",
    "another module": "from os import system",
    "a class called torch": "class torch(nn.Module):\n    pass",
    "a loop": "for y in (1,):\n    pass",
    "deletion": "del Net",
}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_the_compiler_writes_is_never_refused(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert find_foreign_code(source, frozenset(list_modules(source))) is None


def test_there_are_modules_to_look_at() -> None:
    assert len(MODULES) > 60


@pytest.mark.parametrize("case", ESCAPES)
def test_a_way_out_of_forward_is_refused(case: str) -> None:
    text = NET.format(line=ESCAPES[case], after="")
    assert find_foreign_code(text) is not None
    with pytest.raises(RunError, match=r"^run/model\.py(:\d+)?: .*--allow-import "):
        admit_source(text, "run/model.py", ())
    admit_source(text, "run/model.py", ("model.py", "os"))  # by its own name


@pytest.mark.parametrize("case", OUTSIDE)
def test_a_way_out_of_the_module_is_refused(case: str) -> None:
    assert find_foreign_code(NET.format(line="", after=OUTSIDE[case])) is not None


def test_the_net_around_them_is_not() -> None:
    assert find_foreign_code(NET.format(line="x = nn.functional.dropout(x, 0.1)", after="")) is None
    assert find_foreign_code("not python (") is None  # told where it is executed


@pytest.mark.parametrize(
    "spec", ["imagenet/seresnet50", "resnest50d", "resnetv2_50d_gn", "nf_regnet_b1", "skresnet18", "convnextv2_pico"]
)
def test_networks_with_unusual_layers_are_not_refused(spec: str) -> None:
    source = resnetc.compile(spec).source
    assert find_foreign_code(source) is None
