"""Who may import whom: the compiler runs without torch, the runtime without the compiler, a generated module alone."""

import ast
import sys
from collections.abc import Container
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.support import run_python

ROOT = Path(__file__).parents[2]

# What each folder may import beyond the standard library and itself; a file's own row goes before its folder's.
SHARED = {"resnetc.bounded_read", "resnetc.terminal"}  # of the compiler and the runtime
ALLOWED = {
    "compiler": {"lark", "resnetc", "resnetc.grammar", "resnetc.version"} | SHARED,
    "compiler/codegen/render.py": {"jinja2", "resnetc", "resnetc.compiler"},
    "compiler/fast_dataclass.py": set(),
    "compiler/source.py": {"resnetc.compiler.fast_dataclass"},
    "compiler/diagnostics/diagnostic.py": {"resnetc.compiler.fast_dataclass", "resnetc.compiler.source"},
    "compiler/diagnostics/excerpt.py": {"resnetc.compiler", "resnetc.terminal"},
    "compiler/diagnostics/render.py": {"resnetc.compiler", "resnetc.terminal"},
    "compiler/sizes": {"resnetc.compiler.fast_dataclass"},
    "grammar": set(),
    "specs": set(),
    "runtime": {"torch", "numpy", "yaml", "rich", "safetensors", "sklearn", "scipy", "matplotlib", "PIL"} | SHARED,
    "runtime/report/report.py": {
        "torch",
        "numpy",
        "matplotlib",
        "PIL",
        "jinja2",
        "resnetc.runtime",
        "resnetc.terminal",
    },
    "runtime/study/page.py": {"torch", "jinja2", "markupsafe", "resnetc.runtime", "resnetc.terminal"},
    "runtime/training/logs.py": {"torch", "wandb", "resnetc.runtime"},
    # The training step and what it calls run wherever torch does.
    "runtime/step": {"torch"},
    "runtime/augmentation/crop_and_flip.py": {"torch", "resnetc.runtime", "resnetc.runtime.counter_rng"},
    "runtime/counter_rng.py": {"torch"},
    "runtime/model/ema.py": {"torch"},
    "generated": {"torch", "collections", "typing"},
}
FOLDERS = ("compiler", "grammar", "specs", "runtime", "generated")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def rule(path: Path) -> str:
    """The longest row of the table that speaks of the file."""
    name = path.relative_to(ROOT).as_posix()
    return max((row for row in ALLOWED if name == row or name.startswith(row + "/")), key=len)


@cache
def import_statements(path: Path) -> list[ast.Import | ast.ImportFrom]:
    nodes = ast.walk(ast.parse(path.read_bytes()))
    return [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]


def imports(path: Path, modules: Container[str] | None = None) -> set[str]:
    """The dotted names of what a file imports, wherever in it: of `from a import b`, `a.b` where that is a module."""
    modules = MODULES if modules is None else modules
    names = set()
    for node in import_statements(path):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        else:
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                names.add(inner if inner in modules else node.module)
    return names


def module(path: Path) -> str:
    return ".".join(["resnetc", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")


MODULES = {module(path): path for path in FILES if not path.is_relative_to(ROOT / "generated")}


def list_foreign_imports(path: Path) -> list[str]:
    """What a file imports although the row of its folder does not have it."""
    row = rule(path)
    standard = set() if row == "generated" else set(sys.stdlib_module_names)
    own = "resnetc." + row.removesuffix(".py").replace("/", ".")
    allowed = ALLOWED[row] | {own, "__future__"}

    def may(name: str) -> bool:
        top = name.partition(".")[0]
        if top == "resnetc":
            return name in allowed or any(name.startswith(a + ".") for a in allowed - {"resnetc"})
        return top in standard | allowed

    return sorted(name for name in imports(path) if not may(name))


def test_every_file_imports_only_what_its_folder_may():
    foreign = {path.relative_to(ROOT).as_posix(): list_foreign_imports(path) for path in FILES}
    assert {name: imported for name, imported in foreign.items() if imported} == {}


GPU_SCRIPTS = ("gpu.py", "step_arms.py", "paired.py")


def test_the_script_for_gpus_needs_torch_and_numpy_alone():
    scripts = [ROOT / "benchmarks" / name for name in GPU_SCRIPTS]
    own = {path.stem for path in scripts}
    waiting, loaded = [name for path in scripts for name in imports(path) if name not in own], set()
    while waiting:
        name = waiting.pop()
        if name not in loaded:
            loaded.add(name)
            waiting += imports(MODULES[name]) if name in MODULES else []
    foreign = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names)
    assert foreign == {"torch", "numpy", "resnetc"}
    assert "resnetc.runtime.step.training_step" in loaded


PHASES = (
    *("fast_dataclass", "source", "diagnostics", "vocabulary", "syntax", "formatter", "sizes", "ir"),
    *("loader", "evaluation"),
    *("shapes", "remedies", "proof", "names", "symbolic", "expansion", "measures", "claims", "checked_network"),
    *("lints", "codegen", "driver"),
)
"""The way of a text through the compiler; a phase imports earlier ones alone, for its types and in functions too."""


LAYERS = (
    *("errors", "counter_rng", "determinism", "step", "recipe", "data", "distributed", "out_of_memory"),
    *("augmentation", "input_pipeline", "model", "optim", "run", "progress", "weights", "training", "inference"),
    *("evaluation", "evaluate", "report", "train", "comparison", "study"),
)
"""What the runtime is built of, from the ground up; a layer imports earlier ones alone."""

ORDERS = {"compiler": PHASES, "runtime": LAYERS}
PARTS = [(root, part) for root, order in ORDERS.items() for part in order]


@pytest.mark.parametrize(("root", "part"), PARTS)
def test_a_part_imports_only_what_goes_before_it(root, part):
    earlier = ORDERS[root][: ORDERS[root].index(part) + 1]
    paths = [ROOT / root / f"{part}.py", *(ROOT / root / part).rglob("*.py")]
    imported = {(path.name, name) for path in paths if path.exists() for name in imports(path)}
    later = {(path, name) for path, name in imported if name.startswith(f"resnetc.{root}.")}
    assert sorted((path, name) for path, name in later if name.split(".")[2] not in earlier) == []


@pytest.mark.parametrize("root", ORDERS)
def test_every_part_has_its_place_in_the_order(root):
    parts = {path.relative_to(ROOT / root).parts[0].removesuffix(".py") for path in (ROOT / root).rglob("*.py")}
    assert parts - {"__init__"} == set(ORDERS[root])


def test_no_circle_of_imports():
    """None among files, none among folders, for types and inside functions too: `prepare` raises on one."""
    own = [path for path in (ROOT / "src" / "resnetc").rglob("*.py") if path.is_file()]
    everything = MODULES | {module(ROOT / path.relative_to(ROOT / "src" / "resnetc")): path for path in own}
    files = {name: (imports(path, everything) & everything.keys()) - {name} for name, path in everything.items()}
    TopologicalSorter(files).prepare()

    def folder(name: str) -> str:
        return name if everything[name].name != "__init__.py" and name.count(".") < 3 else ".".join(name.split(".")[:3])

    folders: dict[str, set[str]] = {}
    for name, imported in files.items():
        folders.setdefault(folder(name), set()).update(folder(other) for other in imported)
    TopologicalSorter({name: imported - {name} for name, imported in folders.items()}).prepare()


LOADED = """
import importlib, pkgutil, sys
for root in sys.argv[1].split(","):
    package = importlib.import_module(root)
    if root != "resnetc":
        for found in pkgutil.walk_packages(package.__path__, root + "."):
            importlib.import_module(found.name)
print(",".join(sorted({name for name in sys.argv[2].split(",") if name in sys.modules})))
"""


@pytest.mark.parametrize(
    ("imported", "absent"),
    [
        ("resnetc", "torch,numpy,lark,jinja2,rich,yaml"),
        ("resnetc,resnetc.grammar,resnetc.specs,resnetc.compiler", "torch,numpy,rich,resnetc.runtime"),
        ("resnetc.runtime", "lark,jinja2,resnetc.compiler"),
    ],
)
def test_importing_loads_nothing_from_across_the_border(imported, absent):
    process = run_python(LOADED, imported, absent)
    assert (process.stderr, process.stdout) == ("", "\n")


def test_check_loads_neither_templates_nor_rich_nor_torch():
    program = """
import sys
from resnetc.cli.main import main
status = main(["check", "specs/digits.resnet"])
print(status, sorted({"jinja2", "rich", "torch", "numpy", "yaml"} & set(sys.modules)))
"""
    process = run_python(program, folder=ROOT)
    assert process.stdout.splitlines()[-1:] == ["0 []"], process.stderr


@pytest.mark.parametrize("name", ["compiler", "runtime"])
def test_a_package_cannot_be_imported_under_its_bare_name(name):
    process = run_python(f"import sys; sys.path.insert(0, '.')\nimport {name}", folder=ROOT)
    assert process.returncode == 1
    assert process.stderr.endswith(f"import resnetc.{name}, not {name}: two copies of every class would exist\n")
