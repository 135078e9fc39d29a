"""What an item binds, and what a loop forgets of it."""

from resnetc.compiler.names.local_names import LocalNames
from resnetc.compiler.source import Source, Span
from resnetc.compiler.syntax.tree import Name

TEXT = Source("t.resnet", "abc")


def name(id: str, at: int = 0) -> Name:
    return Name(id, Span(TEXT, at, at + 1))


def test_a_loop_forgets_its_names_but_not_those_with_elements() -> None:
    names = LocalNames()
    names.bind(name("a"), "parameter")
    outer = names.count
    names.bind(name("b"), "loop variable")
    names.bind(name("c"), "value")
    names.mark_indexed("c")
    names.forget_since(outer)
    assert list(names) == ["a", "c"] and "b" not in names
    assert names.is_indexed("c") and not names.is_indexed("a")
    assert set(names.spans) == {"a", "b", "c"}  # a message can still say where it was bound


def test_a_name_keeps_its_first_definition() -> None:
    names = LocalNames()
    names.bind(name("a", 0), "parameter")
    names.bind(name("a", 1), "value")
    definition = names.get("a")
    assert definition is not None and definition.span is not None
    assert (definition.kind, definition.span.start, names.count) == ("parameter", 0, 1)


def test_what_an_instance_inherits_is_not_bound_by_it() -> None:
    names = LocalNames()
    names.inherit(name("width"), "parameter")
    names.forget_since(0)
    assert "width" in names and names.count == 0 and not names.spans
