"""Says in one line what went wrong in code of the user's own, and where in it. Imports nothing heavy."""

import sysconfig
from pathlib import Path
from types import TracebackType

_OWN = Path(__file__).parents[2]  # resnetc's own modules
_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


def describe_error(fault: BaseException) -> str:
    """`file:line: ValueError: its message`; the line is the last one of the user's, not that of a library it called."""
    text = " ".join(str(fault).split())
    what = f"{type(fault).__name__}: {text}" if text else type(fault).__name__
    if isinstance(fault, SyntaxError) and fault.filename:
        return f"{_shorten(fault.filename)}:{fault.lineno}: {type(fault).__name__}: {fault.msg}"
    places = list(_list_places(fault.__traceback__))
    own = [place for place in places if not place[0].startswith(_INSTALLED)]
    if not (own or places):
        return what
    file, line = (own or places)[-1]
    return f"{_shorten(file)}:{line}: {what}"


def _list_places(trace: TracebackType | None) -> list[tuple[str, int]]:
    """File and line of every call, the innermost last, without resnetc's and those that are in no file."""
    places = []
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith("<") and not Path(file).is_relative_to(_OWN):
            places.append((file, trace.tb_lineno))
        trace = trace.tb_next
    return places


def _shorten(file: str) -> str:
    """A path below the working folder from there."""
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file
