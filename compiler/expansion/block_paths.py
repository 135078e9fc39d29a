"""Where the blocks of a stage are stored: by their positions, or as the string of the stage says."""

from __future__ import annotations

from collections.abc import Mapping

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.expansion import application_errors
from resnetc.compiler.expansion.dataflow_builder import Scope
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.path_patterns import PathPattern, read_pattern
from resnetc.compiler.ir.paths import Path, show_path
from resnetc.compiler.syntax import tree as syntax


@record
class BlockPaths:
    """The names of a stage's blocks in their container, and their paths where the stage itself is no module."""

    names: tuple[str, ...]
    members: tuple[Path, ...]


def check_stage_name(stage: syntax.Stage, path: Path, earlier: Mapping[Path, syntax.Stage]) -> None:
    """Claims tell stages by their names also where these are no paths: no name begins with that of another stage."""
    for other, named in earlier.items():
        shorter = min(len(path), len(other))
        if (stage.pattern or named.pattern) and path[:shorter] == other[:shorter]:
            raise Fault(application_errors.same_stage_name(stage, named, show_path(path), show_path(other)))


def find_block_paths(stage: syntax.Stage, path: Path, count: int, scope: Scope) -> BlockPaths:
    """The places of so many blocks; raises the fault of two that would have one."""
    if stage.pattern is None:
        return BlockPaths(tuple(map(str, range(count))), ())
    if not stage.pattern.value:
        if count > 1:
            raise Fault(application_errors.one_path_for_blocks(stage, show_path(path), count, "b#"))
        return BlockPaths((str(path[-1]),), (path,))
    pattern = read_pattern(stage.pattern.value)
    assert pattern is not None  # the names of the model were checked
    container = path if pattern.container is None else pattern.container
    if pattern.start is None and count > 1:
        numbered = f"{stage.pattern.value}#" if isinstance(pattern.last, str) else f"{stage.pattern.value[:-1]}#"
        raise Fault(
            application_errors.one_path_for_blocks(stage, show_path((*container, pattern.last)), count, numbered)
        )
    names = number_blocks(pattern, container, count, scope)
    if pattern.container is None:
        return BlockPaths(tuple(map(str, names)), ())
    return BlockPaths(tuple(map(str, names)), tuple((*container, name) for name in names))


def number_blocks(pattern: PathPattern, container: Path, count: int, scope: Scope) -> list[str | int]:
    """The last parts of the paths: numbers go on where other layers with this pattern have ended."""
    if pattern.start is None:
        return [pattern.last]
    if pattern.is_list:
        first = scope.find_next_index(container)
        return [*range(first, first + count)]
    shared = ".".join(map(str, (*container, f"{pattern.last}#")))
    return [f"{pattern.last}{scope.count(shared, pattern.start)}" for _ in range(count)]
