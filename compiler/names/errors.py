"""Messages about names: one function per message."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label, find_similar
from resnetc.compiler.evaluation import errors
from resnetc.compiler.evaluation.call_suggestions import remove_argument
from resnetc.compiler.evaluation.name_suggestions import rename
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.loader.loader import LIBRARY, SUFFIX, SpecFile, find_shipped
from resnetc.compiler.names.reserved import NameKind
from resnetc.compiler.names.symbols import Definition, FileNames
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax
from resnetc.compiler.syntax.foreign_idioms import INPUT_IS_IN, answer_name
from resnetc.grammar.primitives import TYPES, Primitive

MAX_CANDIDATES = 1_000  # names among which a similar one is looked for
MAX_LIBRARY_NAME = 100  # letters
MAX_STAGES = 8  # that a message lists
FALSE = re.compile(r"\s*=\s*[Ff]alse\b")
SAME = re.compile(r"\s*=\s*[\"']same[\"']", re.IGNORECASE)
DECLARED = re.compile(r"\s*input\b[^=]*=\s*\[.*")  # up to a size that an input declares
OUT_OF_PLACE = {
    "in": "`in` is the input of a block or a policy; a model passes its input to `stem`",
    "stem": "`stem` is a part of a model and may label a layer; it is not a value",
    "head": "`head` is a part of a model and may label a layer; it is not a value",
}
ITEM = re.compile(r"write `((\w+)\.\w+)\(64\)`")  # of the library, as an answer names it
WIDTH = re.compile(r"\(\s*[\w *]+(?:,\s*stride\s*=\s*\w+\s*)?\)")  # arguments that mean the same there


@record(eq=True)
class ClaimScope:
    """What a claim, or the condition of an input, may speak of: the sizes of the input, and the stages."""

    sizes: Sequence[str]
    stages: Sequence[str] = ()

    def describe_remedy(self, name: str) -> str:
        """What to write where a name is not known: a size where it is a letter, as those of sizes are."""
        if len(self.sizes) == 1:
            sizes = f"the size of the input is `{self.sizes[0]}`"
        elif self.sizes:
            sizes = f"the sizes of the input are {errors.names(self.sizes)}"
        else:
            sizes = "the sizes of the input are numbers and have no names"
        few = len(name) > 1 and 0 < len(self.stages) <= MAX_STAGES
        stages = f"the stage{' is' if len(self.stages) == 1 else 's are'} {errors.names(self.stages)}"
        return f"{sizes}; {stages}" if few else sizes


def unknown_name(
    name: str, called: bool, file: FileNames, inside: list[str], claim_scope: ClaimScope | None, span: Span
) -> Diagnostic:
    """A name that nothing has, with the first remedy that fits; `inside` are the names that its item alone knows.

    `claim_scope` is what a claim or the condition of an input, where it stands in one, may speak of.
    """
    from resnetc.compiler.vocabulary.answers import find_figure

    # The order of the branches is the order of certainty. A name that means something in another place of the same
    # file (`stem`, the path of a used file, an item of one) can hardly mean anything else. Then comes the library,
    # but where its name is a word of PyTorch too, only before a dot. A word of another library goes before a similar
    # name, unless that name is the item's own: then it is a slip. Where nothing is near, a claim says what it can
    # mention, and a call what the file defines.
    of_library = name[0].isupper() and answer_name(name, span) is not None  # `Linear` is no slip for `inner`
    own = [other for other in inside if other != "in" and not of_library]  # and `int` none for it
    plain = errors.unknown_name(name, span, [*inside, *file.list_visible()][-MAX_CANDIDATES:], own)
    items = ((alias, item, what) for alias, used in file.list_files().items() for item, what in used.names.items())
    elsewhere = {
        item: f"{alias}.{item}" for alias, item, what in islice(items, MAX_CANDIDATES) if not isinstance(what, SpecFile)
    }
    helps, fix, notes = plain.helps, plain.fix, plain.notes
    path = next((".".join(use.path) for use in file.spec.tree.uses if use.path[0] == name and use.path[1:]), None)
    if name in OUT_OF_PLACE:
        helps, fix = (OUT_OF_PLACE[name],), ()
    elif path is not None and span.source.text.startswith(path, span.start):
        alias = path.rpartition(".")[2]
        helps = (f"a used file is named after the last part of its path: `{alias}`",)
        fix = (Edit(Span(span.source, span.start, span.start + len(path)), alias),)
    elif name in elsewhere:
        helps, fix = (f"write `{elsewhere[name]}`",), (Edit(span, elsewhere[name]),)
    elif find_shipped(f"std/{name}") is not None and (
        span.source.text.startswith(".", span.end) or not answer_name(name, span)
    ):
        helps, fix = (f"add `use std.{name}` below the edition",), (add_use(name, file, span),)
    elif claim_scope is not None and (figure := find_figure(name)) is not None:
        helps, fix = (figure.help,), (Edit(span, figure.name),)
    elif (answer := answer_name(name, span)) is not None and not find_similar(name, own):
        helps, fix = (answer.help,), rename(answer, span)
        if answer.help == INPUT_IS_IN:
            helps = (answer.help if "in" in inside else "chain layers with `|>`: in a model no tensor has a name",)
            fix = (Edit(span, "in"),) if "in" in inside else ()
        elif (block := ITEM.match(answer.help)) is not None and WIDTH.match(span.source.text, span.end):
            helps, fix = (f"write `{block[1]}`",), (Edit(span, block[1]),)
            if block[2] not in file.list_files():
                helps = (f"add `use std.{block[2]}` below the edition, and write `{block[1]}`",)
                fix = (add_use(block[2], file, span), *fix)
    elif not find_similar(name, own) and (item := find_library_item(name)):
        library, _, _ = item.partition(".")
        helps = (f"add `use std.{library}` below the edition, and write `{item}`",)
        fix = (add_use(library, file, span), Edit(span, item))
    elif not fix and (near := find_similar(name, elsewhere)):
        helps, fix = (f"a similar name exists: `{elsewhere[near]}`",), (Edit(span, elsewhere[near]),)
    elif not fix and not called and claim_scope is not None:
        helps = (claim_scope.describe_remedy(name),)
    if called and helps == (errors.define_it(name),):
        defined = [n for n, what in file.spec.names.items() if not isinstance(what, SpecFile)]
        used = list(file.list_files())
        notes += (f"this file defines {errors.names(defined)}",) if defined else ()
        notes += (f"it uses {errors.names(used)}",) if used else ()
    return replace(plain, helps=helps, fix=fix, notes=notes)


def add_use(library: str, file: FileNames, span: Span) -> Edit:
    """The edit that imports a file of the library, in the line below the other imports, or below the edition."""
    text, uses = span.source.text, file.spec.tree.uses
    end = max((use.span.end for use in uses), default=0) or re.match(r"(?:\s|//[^\n]*)*(?:edition\s+\d+)?", text).end()  # type: ignore[union-attr]  # it always matches
    rest = re.compile(r"[ \t]*(?://(?!/)[^\n]*)?\r?(?=\n|\Z)").match(text, end)
    if rest is None:  # something else stands in the line
        return Edit(Span(span.source, end, end), f"\nuse std.{library}\n")
    line_end = "\r" if rest[0].endswith("\r") else ""  # before the end of the line that is there
    return Edit(Span(span.source, rest.end(), rest.end()), f"\nuse std.{library}{line_end}")


def find_library_item(name: str) -> str:
    """A block or a policy of the shipped library, as a file that uses it calls it: `blocks.basic`; or nothing."""
    if len(name) > MAX_LIBRARY_NAME:
        return ""
    pattern = re.compile(rf"^(?:block|policy) {re.escape(name)}\(", re.MULTILINE)
    paths = sorted((LIBRARY / "std").glob(f"*{SUFFIX}"))
    return next((f"{path.stem}.{name}" for path in paths if pattern.search(path.read_text(encoding="utf-8"))), "")


def not_known_yet(name: str, first: Span, span: Span) -> Diagnostic:
    """A name of the item itself, mentioned where it is not known."""
    return replace(
        errors.unknown_name(name, span, []),
        labels=(Label(first, "defined here"),),
        helps=("a name can only be used after its definition, and a name defined in a loop only inside it",),
    )


def known_only_to_claims(name: str, measured: bool, span: Span) -> Diagnostic:
    """A size, a stage or a measure in the structure of a model, or in what it requires."""
    why = "the structure of a network does not depend on the input size"
    if measured:
        why = "it is known only once the network is built; `require` checks what the caller passes"
    help = f"only `expect` can mention `{name}`: {why}"
    line = span.source.text[: span.start].rpartition("\n")[2]
    if not measured and DECLARED.fullmatch(line):
        help = (
            "sizes after `=` must be numeric, as in `input [3, H, W] = [3, 224, 224]`: costs are computed at this size"
        )
    return replace(errors.unknown_name(name, span, []), helps=(help,))


def not_in_file(name: str, file: SpecFile, span: Span) -> Diagnostic:
    items = [n for n, item in file.names.items() if not isinstance(item, SpecFile)]
    return errors.not_in_file(name, span, file.name, items)


def unknown_parameter(
    of: str, name: str, parameters: list[str], slots: Iterable[str], default: Primitive | None, span: Span
) -> Diagnostic:
    """`default` is what a slot stands for where nothing is bound."""
    fault = errors.unknown_parameter(of, name, span, parameters[:MAX_CANDIDATES], list(islice(slots, MAX_CANDIDATES)))
    if fault.fix or default is None:
        return fault
    from resnetc.compiler.vocabulary.answers import find_parameter

    known_to_default = [parameter.name for parameter in default.parameters]
    answer = find_parameter(name, known_to_default)
    wanted = name if name in known_to_default else answer.name if answer is not None else ""
    if not wanted:
        return fault
    help = f"write `{default.name}(..., {wanted}=...)`: the slot `{of}` passes only what every binding takes"
    if wanted == "padding" and SAME.match(span.source.text, span.end):
        return replace(
            fault,
            helps=(f"remove it: a stride of 1 keeps the size, as in `{of}(64, kernel=3)`",),
            fix=remove_argument(span),
        )
    elif wanted == "bias" and FALSE.match(span.source.text, span.end):
        return replace(
            fault,
            helps=(f"remove it: `{default.name}` has no bias without `bias=true`",),
            fix=remove_argument(span),
        )
    return replace(fault, helps=(help,), fix=())


def no_such_parameter(name: str, parameters: list[str], span: Span) -> Diagnostic:
    """The name behind a model's `each`."""
    return replace(
        errors.unknown_name(name, span, parameters),
        helps=errors.nearby(name, parameters, "parameter") or ("`each` iterates over one of the model's parameters",),
    )


def not_a_slot(name: str, slots: Iterable[str], span: Span) -> Diagnostic:
    return errors.not_a_slot(name, span, list(islice(slots, MAX_CANDIDATES)))


def unknown_type(name: str, span: Span) -> Diagnostic:
    from resnetc.compiler.vocabulary.answers import find_type

    answer = find_type(name, TYPES)
    return Diagnostic(
        "E0241",
        f"unknown type `{name}`",
        Label(span, "not a type"),
        notes=(f"the types are {errors.names(TYPES)}",),
        helps=(answer.help,) if answer else errors.nearby(name, TYPES, "type"),
        fix=(Edit(span, answer.name),) if answer else errors.replaced(name, TYPES, span),
    )


def parameter_twice(of: str, name: syntax.Name, first: Span) -> Diagnostic:
    return Diagnostic(
        code="E0242",
        message=f"`{of}` has two parameters named `{name.id}`",
        primary=Label(name.span, "second one"),
        labels=(Label(first, "first one"),),
        helps=("remove or rename one of the two parameters",),
    )


def defined_twice(name: str, span: Span, first: Span) -> Diagnostic:
    return Diagnostic(
        code="E0243",
        message=f"this file defines `{name}` twice",
        primary=Label(span, "second definition"),
        labels=(Label(first, "first definition"),),
        helps=("remove or rename one of the two definitions",),
    )


def shadowed(kind: NameKind, name: str, span: Span, other: Definition) -> Diagnostic:
    help = f"choose another name for the {kind}"
    if kind == "used file":  # it is called after its path
        help = "remove the line, or rename a file: a used file is named after the last part of its path"
    elif (kind, other.kind) == ("value", "value"):  # as in Python, where a name is given again
        help = f"choose another name for the value, or continue the pipe that `{name}` already names"
    return Diagnostic(
        code="E0244",
        message=f"the {kind} `{name}` would shadow the {other.kind} `{name}`",
        primary=Label(span, f"this {kind}"),
        labels=(Label(other.span, f"the {other.kind}"),) if other.span is not None else (),
        helps=(help,),
    )


def cyclic_definitions(mentions: list[tuple[str, Span]]) -> Diagnostic:
    """`mentions` are the names on the circle, each with the place where it mentions the next."""
    names = [name for name, _ in mentions]
    drawn = " -> ".join([*names, names[0]])
    pairs = zip(mentions[:-1], names[1:], strict=True)
    rest = [Label(span, f"`{name}` refers to `{after}`") for (name, span), after in pairs]
    last, span = mentions[-1]
    return Diagnostic(
        code="E0245",
        message="definitions refer to each other in a cycle" if len(names) > 1 else f"`{last}` refers to itself",
        primary=Label(span, f"`{last}` refers to `{names[0]}`"),
        labels=tuple(rest),
        notes=(drawn,),
        helps=("break the cycle: a definition cannot refer to itself, not even through others",),
    )


def channels_first(name: str, input: syntax.Input, fixed: int | None, span: Span) -> Diagnostic:
    """A size where an input has its channels; `fixed` is the axis that may be these, where one has a number."""
    plain = errors.unknown_name(name, span, [])
    shape, declared = input.shape, input.declared
    if fixed is None or not isinstance(shape, syntax.List) or not isinstance(declared, syntax.List):
        help = f"the channels come first, and are a number: `input [3, {name}, ...]`"
        return replace(plain, helps=(help,))
    sides = [[" ".join(item.span.text.split()) for item in side.items] for side in (shape, declared)]
    moved = [f"[{', '.join([side[fixed], *side[:fixed], *side[fixed + 1 :]])}]" for side in sides]
    return replace(
        plain,
        helps=(f"the channels come first: `input {moved[0]} = {moved[1]}`",),
        fix=(Edit(shape.span, moved[0]), Edit(declared.span, moved[1])),
    )


def axes_differ(item: syntax.Input) -> Diagnostic:
    return Diagnostic(
        "E0322",
        "an input names its channels and one to three axes, and declares a size for each",
        Label(item.span, "these do not match"),
        helps=(
            "write features without a position as `input [3, 1] = [3, 1]`"
            if isinstance(item.shape, syntax.List) and len(item.shape.items) == 1
            else "write one number for each name, such as `input [3, H, W] = [3, 224, 224]` for images",
        ),
    )
