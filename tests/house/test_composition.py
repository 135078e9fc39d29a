"""Classes are built by holding one another: none is spread over files, left open, or grows attributes as it runs."""

import ast
from collections.abc import Iterator
from functools import cache

from tests.house.class_index import ROOT, File, find_class, iterate_paths, module_name, read_file, read_files

FILES = list(iterate_paths())
MODULES = read_files()
BORN = ("__init__", "__post_init__")  # where attributes may be born


@cache
def parsed(text: str) -> tuple[ast.Module, list[ast.ClassDef]]:
    tree = ast.parse(text)
    return tree, class_definitions(tree)


def class_definitions(tree: ast.Module) -> list[ast.ClassDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]


def left_open(text: str) -> list[int]:
    """The lines that raise `NotImplementedError`: a method for another file to fill in is an argument."""
    raised = (node for node in ast.walk(parsed(text)[0]) if isinstance(node, ast.Raise))
    return [r.lineno for r in raised if r.exc is not None and "NotImplementedError" in ast.unparse(r.exc)]


def is_empty(method: ast.FunctionDef) -> bool:
    """Whether nothing but a text, `...` or `pass` stands in a method."""
    body = [part for part in method.body if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))]
    return all(isinstance(part, ast.Pass) for part in body)


def methods_of(owner: ast.ClassDef) -> dict[str, ast.FunctionDef]:
    return {part.name: part for part in owner.body if isinstance(part, ast.FunctionDef)}


def filled_in(files: dict[str, File], module: str) -> list[tuple[int, str]]:
    """The methods that fill in an empty one of a class that says it is neither a protocol nor abstract."""
    out = []
    for owner in class_definitions(files[module].tree):
        for base in filter(None, (find_class(files, module, base) for base in owner.bases)):
            if {"Protocol", "ABC"}.isdisjoint(map(ast.unparse, base.owner.bases)):
                empty = {name for name, method in methods_of(base.owner).items() if is_empty(method)}
                filling = [method for name, method in methods_of(owner).items() if name in empty]
                out += [(method.lineno, f"{owner.name}.{method.name}") for method in filling]
    return out


def stored(method: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.Attribute]:
    """The attributes that a method sets on its first argument."""
    receiver = method.args.args[0].arg if method.args.args else None
    for node in ast.walk(method):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
            if node.value.id == receiver:
                yield node


def declared(owner: ast.ClassDef) -> set[str]:
    """The names that the body of a class and its `__init__` know."""
    names = set()
    for part in owner.body:
        if isinstance(part, ast.AnnAssign):
            names.add(ast.unparse(part.target))
        elif isinstance(part, ast.Assign):
            names |= {ast.unparse(target) for target in part.targets}
        elif isinstance(part, ast.FunctionDef) and part.name in BORN:
            names |= {node.attr for node in stored(part)}
    return names


def born_late(text: str) -> list[tuple[int, str]]:
    """The attributes that a method sets and nothing declares, with their lines."""
    out = []
    for owner in parsed(text)[1]:
        known = declared(owner)
        methods = [part for part in owner.body if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef))]
        late = (node for method in methods if method.name not in BORN for node in stored(method))
        out += [(node.lineno, f"{owner.name}.{node.attr}") for node in late if node.attr not in known]
    return sorted(out)


def spread(files: dict[str, File], module: str) -> list[tuple[int, str]]:
    """The classes that extend one of another file of this project, by whatever name, with their lines.

    A protocol may: it says what is asked of others, and has no method of its own.
    """
    out = []
    for owner in class_definitions(files[module].tree):
        homes = {ast.unparse(base): find_class(files, module, base) for base in owner.bases}
        if "Protocol" not in homes:
            foreign = [base for base, home in homes.items() if home is not None and home.module != module]
            out += [(owner.lineno, f"{owner.name}({base})") for base in foreign]
    return out


@cache
def declared_anywhere() -> frozenset[str]:
    """The attributes that classes of this project declare."""
    owners = [owner for file in MODULES.values() for owner in class_definitions(file.tree)]
    return frozenset(name for owner in owners for name in declared(owner))


def put_from_outside(text: str, known: frozenset[str]) -> list[tuple[int, str]]:
    """What a text stores in objects past their classes: attributes that no class declares, and by way of `setattr`,
    `__new__` and `__dict__`; with the lines. An attribute that is declared may be set while its object is made."""
    tree, classes = parsed(text)
    methods = [method for owner in classes for method in methods_of(owner).values()]
    own = {id(node) for method in methods for node in stored(method)}
    making = {id(node) for method in methods if method.name in BORN for node in ast.walk(method)}
    out = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if id(node) not in own and node.attr not in known:
                out.append((node.lineno, ast.unparse(node)))
        elif isinstance(node, ast.Attribute) and node.attr == "__dict__":
            out.append((node.lineno, ast.unparse(node)))
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            if ast.unparse(node.value).startswith("vars("):
                out.append((node.lineno, ast.unparse(node.value)))
        elif isinstance(node, ast.Call):
            function = ast.unparse(node.func)
            slot = node.args[1] if len(node.args) > 1 else None
            is_declared = isinstance(slot, ast.Constant) and slot.value in known
            is_made = function == "object.__setattr__" and id(node) in making and is_declared
            if function in ("setattr", "object.__setattr__") or function.endswith("object.__new__"):
                out += [] if is_made else [(node.lineno, f"{function}({ast.unparse(node.args[0])})")]
    return sorted(out)


OUTSIDE = {  # what objects are given past their classes, and why
    "compiler/syntax/lalr_parser.py": {"meta.start_pos", "meta.end_pos", "meta.empty"},  # Lark's own record of places
    "compiler/expansion/dataflow_builder.py": {"object.__new__(Scope)"},  # a scope like another, without making it anew
    "compiler/fast_dataclass.py": {"setattr(owner)"},  # puts the method of a record in the place of its promise
    "compiler/ir/network.py": {"object.__setattr__(part)"},  # a field that is found when it is asked for first
    "compiler/codegen/python_layout.py": {"object.__setattr__(self)"},  # so is this
    "runtime/model/activation_checkpointing.py": {"norm.num_batches_tracked"},  # of torch: put aside for a while
    "runtime/model/folding.py": {"setattr(model.get_submodule(owner))"},  # how a part of a module is replaced
    "runtime/model/loader.py": {"member.__reduce_ex__", "setattr(submodule)"},  # pickling of text; buffers of a module
    "runtime/step/compilation.py": {"torch._dynamo.config.recompile_limit", "region._compiled_call_impl"},  # torch's
    "runtime/step/device_numbers.py": {
        "optimizer._warned_capturable_if_run_uncaptured"
    },  # torch's, so that it is quiet
    "runtime/step/precision.py": {"matmul.allow_tf32", "cudnn.allow_tf32", "cudnn.benchmark"},  # settings of torch
    "src/resnetc/terminal.py": {"sys.stdout", "sys.stderr"},  # replaced while a command runs
    "src/resnetc/cli/main.py": {"setattr(sys)"},  # a stream that nobody reads any more
    "src/resnetc/cli/compare.py": {"parser.usage"},  # argparse's
    "src/resnetc/cli/train.py": {"options.resume"},  # argparse's
}


def test_every_file_builds_its_classes_by_holding() -> None:
    texts = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in FILES}
    faults = {name: (left_open(text), born_late(text)) for name, text in texts.items()}
    assert {name: lines for name, lines in faults.items() if any(lines)} == {}
    outer = {name: (filled_in(MODULES, name), spread(MODULES, name)) for name in MODULES}
    assert {name: lines for name, lines in outer.items() if any(lines)} == {}


def test_nothing_is_put_into_an_object_past_its_class() -> None:
    texts = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in FILES}
    stores = {name: {what for _, what in put_from_outside(text, declared_anywhere())} for name, text in texts.items()}
    assert {name: places for name, places in stores.items() if places} == OUTSIDE


def test_what_is_left_open_born_late_or_spread_is_seen() -> None:
    base = """
class Evaluator:
    def call(self): ...
    def empty(self): "for others to fill in"
    def __exit__(self, *fault): pass
class Dataflow(Protocol):
    def call(self): ...
class Abstract(ABC):
    def call(self): ...
class Concrete(Abstract):
    def call(self): return 1
"""
    text = """
import resnetc.base as module
from resnetc import base
from resnetc.base import Dataflow, Evaluator as E
class Caller(E):
    known: int
    def __init__(self): self.held = 1
    def call(self): raise NotImplementedError("later")
    def set(self):
        self.known = self.held = 2
        self.first, self.held = 3, 4
        self.second += 1
class Builder(base.Dataflow, Protocol): ...
class Flow(module.Evaluator[int]):
    def empty(self): return 1
Alias = base.Dataflow
class Third(Alias):
    def call(self): return 1
class Fault(Exception): ...
"""
    files = {"resnetc.base": read_file(base), "resnetc.text": read_file(text)}
    assert left_open(text) == [8]
    assert born_late(text) == [(11, "Caller.first"), (12, "Caller.second")]
    spreading = [(5, "Caller(E)"), (14, "Flow(module.Evaluator[int])"), (17, "Third(Alias)")]
    assert spread(files, "resnetc.text") == spreading
    assert (spread(files, "resnetc.base"), filled_in(files, "resnetc.base")) == ([], [])
    assert filled_in(files, "resnetc.text") == [(8, "Caller.call"), (15, "Flow.empty")]


def test_what_is_put_into_objects_from_outside_is_seen() -> None:
    text = """
class Shape:
    def __post_init__(self):
        object.__setattr__(self, "rank", 2)
        object.__setattr__(self, "other", 2)
    def set(self):
        self.late = setattr(self, "rank", 3)
        self.__dict__["rank"] = vars(self)["rank"] = 4
        object.__setattr__(self, "rank", 5)
def make(shape):
    shape.rank = shape.new = 1
    return object.__new__(Shape)
"""
    assert put_from_outside(text, frozenset({"rank"})) == [
        (5, "object.__setattr__(self)"),
        (7, "setattr(self)"),
        (8, "self.__dict__"),
        (8, "vars(self)"),
        (9, "object.__setattr__(self)"),
        (11, "shape.new"),
        (12, "object.__new__(Shape)"),
    ]


def test_every_file_is_looked_at() -> None:
    assert {"compiler/claims/checker.py", "runtime/train.py", "src/resnetc/testing/claims.py"} <= {
        path.relative_to(ROOT).as_posix() for path in FILES
    }
    assert len(FILES) == len({path.resolve() for path in FILES})
    assert {module_name(path) for path in FILES} == MODULES.keys()
