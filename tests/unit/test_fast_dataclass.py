"""Records: what `dataclass(frozen=True, slots=True)` gave, at less of a definition's cost."""

import pickle
import re
from dataclasses import field, fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnetc.compiler.fast_dataclass import record

ROOT = Path(__file__).parents[2]


@record
class Node:
    name: str
    below: tuple["Node", ...] = ()


@record(eq=True)
class Point:
    x: int
    y: int = 0
    note: str = field(default="", compare=False, repr=False)


@record(eq=True)
class Keyed:
    key: str

    def __hash__(self) -> int:
        return 7

    def __repr__(self) -> str:
        return f"<{self.key}>"


@given(st.integers(), st.integers(), st.integers(), st.integers())
def test_equal_and_hashed_by_fields_or_by_identity(x: int, y: int, a: int, b: int) -> None:
    assert (Point(x, y) == Point(a, b)) == ((x, y) == (a, b))
    assert Point(x, y, "one") == Point(x, y, "two")
    assert hash(Point(x, y, "one")) == hash(Point(x, y, "two"))
    assert Node("a") != Node("a")
    assert len({Node("a"), Node("a")}) == 2


def test_a_record_prints_its_fields_and_keeps_what_its_class_says() -> None:
    assert repr(Node("a", (Node("b"),))) == "Node(name='a', below=(Node(name='b', below=()),))"
    assert repr(Point(1, 2, "kept out")) == "Point(x=1, y=2)"
    assert (repr(Keyed("k")), hash(Keyed("k"))) == ("<k>", 7)


def test_a_record_has_slots_alone_and_its_fields_match() -> None:
    with pytest.raises(AttributeError):
        Node("a").other = 1  # type: ignore[attr-defined]
    match Point(3, 4):
        case Point(x, y):
            assert (x, y) == (3, 4)
    assert replace(Point(3, 4), y=5) == Point(3, 5)
    assert pickle.loads(pickle.dumps(Point(3, 4))) == Point(3, 4)


def test_a_method_is_compiled_by_its_first_call_and_stays() -> None:
    @record(eq=True)
    class Fresh:
        x: int
        size: int = field(init=False, compare=False)
        notes: list[str] = field(default_factory=list)

        def __post_init__(self) -> None:
            object.__setattr__(self, "size", self.x + 1)

    assert not any(callable(vars(Fresh)[name]) for name in ("__init__", "__eq__", "__hash__"))
    assert (Fresh(3).size, Fresh(3).notes, Fresh(3) == Fresh(3), Fresh(3) == 3) == (4, [], True, False)
    assert callable(vars(Fresh)["__init__"]) and callable(vars(Fresh)["__eq__"])
    assert not callable(vars(Fresh)["__hash__"])
    assert [f.name for f in fields(Fresh)] == ["x", "size", "notes"]  # type: ignore[arg-type]  # it is a record
    with pytest.raises(TypeError, match=r"__init__\(\) missing 1 required positional argument: 'x'"):
        Fresh()  # type: ignore[call-arg]


@pytest.mark.parametrize("path", sorted((ROOT / "compiler").rglob("*.py")), ids=lambda path: path.stem)
def test_the_compiler_defines_no_frozen_dataclass(path: Path) -> None:
    """Their five compiled methods a class were a third of the time of `resnetc check`."""
    assert not re.search(r"@dataclass\(.*frozen=True", path.read_text(encoding="utf-8"))
