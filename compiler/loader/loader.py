"""Finds and reads spec files: `use`, the shipped specs, and SPEC arguments."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from resnetc.bounded_read import NotRegular, TooLarge, contents
from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Fault, Label, Sink, find_similar
from resnetc.compiler.source import Source, Span
from resnetc.compiler.syntax import tree as syntax
from resnetc.compiler.syntax.parser import parse

SUFFIX = ".resnet"
MAX_BYTES = 1 << 20
TOO_LARGE = ("is larger than 1 MiB", "split it into files that `use` each other")
MAX_FILES = 32  # that a spec uses, also through others, besides the shipped ones
MAX_DEPTH = 16  # of files that use each other
MAX_WORDS = 40_000  # in all of them
TOO_LONG = f"the files of a spec have at most {MAX_WORDS:,} words in total"
WORD = re.compile(r'//[^\n]*|"[^"\n]*"|[\d.]+[eE][+-]\d+|[\w.]+|[|=!<>]+|[^\w\s]')  # or several
MAX_FAULTS = 20  # in them; behind these no more files are read
LIBRARY = Path(__file__).resolve().parents[2] / "specs"


@dataclass(slots=True, eq=False)
class SpecFile:
    """One loaded file. `names` are its items and the files it uses, by the name they have here."""

    name: str
    tree: syntax.File
    path: Path | None
    names: dict[str, syntax.Item | SpecFile] = field(default_factory=dict, repr=False)

    @property
    def source(self) -> Source:
        return self.tree.source

    def list_used_files(self) -> list[SpecFile]:
        """This module and all it uses, each once, in the order of first use."""
        modules: dict[int, SpecFile] = {}
        pending: list[SpecFile] = [self]
        while pending:
            module = pending.pop()
            if id(module) not in modules:
                modules[id(module)] = module
                pending.extend(m for m in reversed(module.names.values()) if isinstance(m, SpecFile))
        return list(modules.values())


def compute_digest(modules: list[SpecFile]) -> str:
    """What `SPEC_SHA256` says: the texts of a spec and of every file it uses."""
    whole = hashlib.sha256()
    for module in modules:
        whole.update(hashlib.sha256(module.source.text.encode()).digest())
    return whole.hexdigest()


def shorten_path(path: Path) -> str:
    """A path as messages show it: shipped specs by their place in the library, others from here where that is short."""
    try:
        return path.relative_to(LIBRARY).as_posix()
    except ValueError:
        pass
    return Path(os.path.relpath(path)).as_posix() if path.is_absolute() and _is_below_here(path) else path.as_posix()


def _is_below_here(path: Path) -> bool:
    return path.is_relative_to(Path.cwd())


def find_specs(folder: Path) -> list[Path]:
    """The specs in a folder and below it, in order; what cannot be read is left out, links to folders are not followed.

    (`rglob` and `os.walk` of Python 3.11 give up in folders that nest deeply, or have long names.)
    """
    files, pending = [], [folder]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(Path(entry.path))
                    elif entry.name.endswith(SUFFIX) and entry.is_file():
                        files.append(Path(entry.path))
        except OSError:
            continue
    return sorted(files)


def find_shipped(name: str) -> Path | None:
    """The file of a shipped spec such as `imagenet/resnet50`, if there is one."""
    parts = name.removesuffix(SUFFIX).split("/")
    if not all(p.isidentifier() for p in parts):
        return None
    path = LIBRARY.joinpath(*parts[:-1], parts[-1] + SUFFIX)
    return path if os.path.isfile(path) else None  # also for a name that no file can have


def list_shipped() -> list[str]:
    """The shipped specs that hold models, by name."""
    paths = sorted(LIBRARY.rglob(f"*{SUFFIX}"))
    names = [p.relative_to(LIBRARY).as_posix().removesuffix(SUFFIX) for p in paths]
    return [n for n in names if not n.startswith("std/")]


def is_shipped(spec: SpecFile) -> bool:
    """Whether a file is one of the library's, which its user does not edit."""
    return spec.path is not None and spec.path.resolve().is_relative_to(LIBRARY)


def read_source(path: Path, name: str) -> Source:
    """The text of a file, or a `Fault` that says why there is none."""
    blank = Source(name, "")
    try:
        return decode(contents(path, MAX_BYTES), name)
    except IsADirectoryError:
        what, remedy = "is a directory", "name a file, or use a command that accepts a directory"
    except NotRegular:
        what, remedy = "is not a regular file", "a spec is a plain text file"
    except TooLarge:
        what, remedy = TOO_LARGE
    except FileNotFoundError:
        what, remedy = "is a broken symbolic link", "point the link at a file, or name the file itself"
    except PermissionError:
        what, remedy = "cannot be read: permission denied", "grant yourself permission to read it"
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        what, remedy = f"cannot be read: {reason}", "check the path"
    raise Fault(unreadable(blank, what, remedy))


def decode(data: bytes, name: str) -> Source:
    """UTF-8 without NUL, of at most 1 MiB; one byte-order mark is dropped."""
    if len(data) > MAX_BYTES:
        raise Fault(unreadable(Source(name, ""), *TOO_LARGE))
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        text = data.decode("utf-8")
        if "\0" not in text:
            return Source(name, text)
        line, what = text[: text.index("\0")].count("\n") + 1, "a NUL character"
    except UnicodeDecodeError as error:
        line, what = data[: error.start].count(b"\n") + 1, "a byte that is not UTF-8"
    place = Source(name, "\n" * (line - 1))
    raise Fault(
        Diagnostic(
            "E0502",
            f"{name} is not a text file: {what} on line {line}",
            Label(Span(place, line - 1, line - 1), "here"),
            helps=("save the file as UTF-8 text",),
        )
    )


class Loader:
    """Loads files and what they use, each once; every file sees the prelude.

    `texts` are read in the place of files, `already_loaded` holds what need not be read again.
    """

    def __init__(
        self, sink: Sink, texts: Mapping[Path, str] | None = None, already_loaded: Mapping[Path, SpecFile] | None = None
    ) -> None:
        self.sink, self.texts = sink, texts or {}
        self.loaded: dict[Path, SpecFile] = dict(already_loaded or {})
        self.active: list[tuple[Path, str]] = []
        self.reached: dict[Path, int] = {}  # the words of each file that the spec in hand has used so far
        self.before = 0  # diagnostics
        self.exhausted = False  # it has used too many
        self.prelude = self.load(LIBRARY / "std" / f"prelude{SUFFIX}", "std/prelude.resnet")

    def load(self, path: Path, name: str | None = None) -> SpecFile:
        """The module of a file. Raises `Fault` where the file itself cannot be had; faults inside go to the sink."""
        key = path.resolve()
        if key not in self.loaded:
            self.loaded[key] = self.link(self.read_source(path, name or shorten_path(path)), path)
        return self.loaded[key]

    def read_source(self, path: Path, name: str) -> Source:
        text = self.texts.get(path.resolve())
        return read_source(path, name) if text is None else Source(name, text)

    def list_loaded_shipped(self) -> dict[Path, SpecFile]:
        """What it has read of the shipped files, which use each other alone."""
        return {path: file for path, file in self.loaded.items() if path.is_relative_to(LIBRARY)}

    def link(self, source: Source, path: Path | None) -> SpecFile:
        """Parses a text and loads what it uses. `path` is None for standard input."""
        if not self.active:
            self.reached, self.before, self.exhausted = {}, len(self.sink.diagnostics), False
        tree = parse(source, self.sink)
        module = SpecFile(Path(source.name).stem, tree, path)
        key = path.resolve() if path else Path("-")
        self.active.append((key, source.name))
        self._count_words(module)
        for item in tree.items:
            module.names.setdefault(item.name.id, item)
        for use in tree.uses:
            if len(self.sink.diagnostics) >= self.before + MAX_FAULTS or self.exhausted:
                break
            try:
                module.names.setdefault(use.path[-1], self.find_used_file(use, path))
            except Fault as fault:
                self.sink.add(fault.diagnostic)
        self.active.pop()
        return module

    def find_used_file(self, use: syntax.Use, path: Path | None) -> SpecFile:
        """The module a `use` means: beside the file, then among the shipped specs; never outside those folders."""
        beside = path.parent if path else Path.cwd()
        roots = [LIBRARY] if use.path[0] == "std" else [beside, LIBRARY]
        for root in roots:
            target = root.joinpath(*use.path[:-1], use.path[-1] + SUFFIX)
            if not os.path.isfile(target):
                continue
            key = target.resolve()
            if not key.is_relative_to(root.resolve()):
                raise Fault(outside_folder(use, target.name))
            names = [name for active, name in self.active if active == key]
            if names:
                begin = [active for active, _ in self.active].index(key)
                raise Fault(cyclic_uses(use, [name for _, name in self.active[begin:]]))
            if key not in self.loaded and len(self.active) > MAX_DEPTH:
                raise self._exhaust(use, f"a chain of more than {MAX_DEPTH} files that use one another")
            if key not in self.loaded:
                source = self.read_source(target, shorten_path(target))
                if root != LIBRARY and has_more_words(source.text, MAX_WORDS - sum(self.reached.values())):
                    raise self._exhaust(use, TOO_LONG)
                self.loaded[key] = self.link(source, target)
            module = self.loaded[key]
            self._count_words(module)
            if self.exhausted:
                return module
            if len(self.reached) > MAX_FILES + 1:
                raise self._exhaust(use, f"a spec uses at most {MAX_FILES} files besides the shipped ones")
            if sum(self.reached.values()) > MAX_WORDS:
                raise self._exhaust(use, TOO_LONG)
            return module
        raise Fault(file_not_found(use, roots))

    def _exhaust(self, use: syntax.Use, message: str) -> Fault:
        """The fault of the first `use` too many; no more are followed."""
        self.exhausted = True
        return Fault(too_many_files(use, message))

    def _count_words(self, module: SpecFile) -> None:
        """Counts a file, and those it uses; the shipped ones are known to be small."""
        for file in module.list_used_files():
            if file.path is None or not file.path.resolve().is_relative_to(LIBRARY):
                self.reached[file.path or Path("-")] = file.tree.words


def has_more_words(text: str, words: int) -> bool:
    """Whether a text has surely more words and signs than that; told at a hundredth of what it takes to read it."""
    return len(text) > words and sum(not word.startswith("//") for word in WORD.findall(text)) > words


def unreadable(source: Source, what: str, remedy: str) -> Diagnostic:
    return Diagnostic("E0501", f"{source.name} {what}", Label(Span(source, 0, 0), "this file"), helps=(remedy,))


def outside_folder(use: syntax.Use, name: str) -> Diagnostic:
    return Diagnostic(
        "E0503",
        f"`{name}` is outside the folder of the spec",
        Label(use.span, "a link to another folder"),
        helps=("keep the files that a spec uses in its own folder",),
    )


def cyclic_uses(use: syntax.Use, names: list[str]) -> Diagnostic:
    drawn = " -> ".join([*names, names[0]])
    return Diagnostic(
        "E0504",
        "files use each other in a cycle",
        Label(use.span, "closes the cycle"),
        notes=(drawn,),
        helps=("move what both files need into a third one",),
    )


def too_many_files(use: syntax.Use, message: str) -> Diagnostic:
    return Diagnostic(
        "E0510",
        message,
        Label(use.span, "one too many"),
        helps=("merge files that belong together",),
    )


def file_not_found(use: syntax.Use, roots: list[Path]) -> Diagnostic:
    name = "/".join(use.path) + SUFFIX
    names = {
        p.relative_to(root).with_suffix("").as_posix().replace("/", ".")
        for root in roots
        for p in list_candidates(root)
    }
    path = ".".join(use.path)
    near = plain if (plain := path.removesuffix(SUFFIX)) in names else find_similar(path, names)
    places = "among the shipped specs" if len(roots) == 1 else "next to this file or among the shipped specs"
    return Diagnostic(
        "E0505",
        f"no file `{name}` {places}",
        Label(use.span, "not found"),
        helps=(
            f"a similar file exists: write `use {near}`"
            if near
            else f"create `{name}` next to this file, or name an existing file",
        ),
    )


def list_candidates(root: Path) -> list[Path]:
    """Specs a misspelt `use` could have meant: in the folder and one level below it."""
    return [*root.glob(f"*{SUFFIX}"), *root.glob(f"*/*{SUFFIX}")]
