"""Writes generated texts to files: all or none, never over a file that is not ours, never outside the output
directory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from resnetc.bounded_read import contents
from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Label, Sink
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.source import Source, Span

MAX_BYTES = 1 << 26  # bytes that are read of a file to see whether it is ours
ELSEWHERE = "remove it, or choose another directory with `-o`"


@record(eq=True)
class Output:
    """A generated file before it is written: `below` is its place in the output directory."""

    directory: Path
    below: Path
    text: str
    network: str

    @property
    def path(self) -> Path:
        return self.directory / self.below


def read_output(path: Path) -> str | None:
    """The text of a file in the place of an output; None where there is nothing, "" for what is no text."""
    try:
        return contents(path, MAX_BYTES).decode()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError):
        return ""


def find_obstacles(outputs: Iterable[Output], force: bool) -> list[Diagnostic]:
    """What stands in the way of writing: files that are not ours, edited ones, links, folders."""
    from resnetc.compiler.codegen.seal import seal_status

    by_path: dict[Path, tuple[str, str]] = {}
    for output in outputs:
        path = output.path
        try:
            link = next((p for p in (*list_folders(output), path) if p.is_symlink()), None)
            exists = os.path.lexists(path)
            if link is not None:
                by_path[link] = ("is a link", ELSEWHERE)
            elif path.is_dir():
                by_path[path] = ("is a directory", ELSEWHERE)
            elif exists and not path.is_file():
                by_path[path] = ("is not a regular file", ELSEWHERE)
            elif exists and not force:
                state = seal_status(read_output(path) or "")
                if state == "edited":
                    remedy = "move the edits into the spec, or overwrite the file with `--force`"
                    by_path[path] = ("was edited by hand", remedy)
                elif state is None:
                    remedy = "choose another directory, or overwrite it with `--force`"
                    by_path[path] = ("was not made by resnetc", remedy)
        except OSError as error:
            by_path[path] = (f"cannot be written: {error.strerror}", "choose another directory with `-o`")
    return [obstacle_in_the_way(path, what, remedy) for path, (what, remedy) in by_path.items()]


def list_folders(output: Output) -> Iterator[Path]:
    """The folders between the output directory, which may be a link, and the file."""
    for folder in reversed(output.below.parents[:-1]):
        yield output.directory / folder


def write(outputs: list[Output]) -> list[Diagnostic]:
    """Writes every file under a temporary name, then renames them all; after a fault nothing has changed."""
    import tempfile

    staged: list[tuple[str, Path]] = []
    try:
        for output in outputs:
            output.path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=output.path.parent, prefix=f".{output.path.name}.")
            staged.append((name, output.path))
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(output.text)
            os.chmod(name, 0o644)
        for name, path in staged:
            os.replace(name, path)
    except OSError as error:
        for name, _ in staged:
            Path(name).unlink(missing_ok=True)
        place = Path(error.filename) if isinstance(error.filename, str) else outputs[0].path
        blocking = next((p for p in (place, *place.parents) if p.is_file()), None)
        if blocking is not None:
            return [
                obstacle_in_the_way(blocking, "is a file, but a directory is needed", "choose a directory with `-o`")
            ]
        parent = place if place.is_dir() else place.parent
        return [
            obstacle_in_the_way(parent, f"cannot be written: {error.strerror}", "choose another directory with `-o`")
        ]
    return []


def drop_colliding(outputs: list[Output], spans: list[Span], sink: Sink) -> list[Output]:
    """The first output of each file; a fault at its model's name, one of `spans`, for any other."""
    out: dict[str, Output] = {}
    for output, span in zip(outputs, spans, strict=True):
        first = out.setdefault(str(output.below).casefold(), output)
        if first is not output:
            sink.add(file_used_twice(output, first, span))
    return list(out.values())


def file_used_twice(output: Output, first: Output, span: Span) -> Diagnostic:
    case = "" if output.below == first.below else f", whose file name differs only in case: {first.below.name}"
    return Diagnostic(
        "E0509",
        f"two networks would be written to `{output.path.as_posix()}`",
        Label(span, f"`{output.path.stem}` is the second one"),
        notes=(f"the first one is {first.network}{case}",),
        helps=("rename one of the models",),
    )


def obstacle_in_the_way(path: Path, what: str, remedy: str) -> Diagnostic:
    return Diagnostic(
        "E0506",
        f"{path.as_posix()} {what}",
        Label(Span(Source(path.as_posix(), ""), 0, 0), "in the way"),
        helps=(remedy,),
    )
