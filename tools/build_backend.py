"""The build backend: setuptools', with the four links of `src/resnetc` made sure of first.

Where git writes symbolic links as text files, setuptools finds no packages behind them and builds a wheel without a
compiler, and without a word. Here such a link is a copy of its folder while a wheel or a source distribution is built.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from setuptools import build_meta
from setuptools.build_meta import (
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

LINKS = ("compiler", "grammar", "runtime", "specs")
ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "resnetc"
REMEDY = "run `git config core.symlinks true && git checkout -- src/resnetc`"

Settings = Mapping[str, str | list[str] | None] | None


def broken_links() -> list[Path]:
    """The links that are not the folder they should lead to: text files, or nothing at all."""
    return [PACKAGE / name for name in LINKS if not (PACKAGE / name).is_dir()]


@contextmanager
def copied_folders() -> Iterator[None]:
    """Inside, a copy of its folder stands in place of every broken link; afterwards the checkout is as it was."""
    broken = broken_links()
    for link in broken:
        if not (ROOT / link.name).is_dir():
            raise SystemExit(f"{link}: this must be the folder `{link.name}` or a symbolic link to it; {REMEDY}")
    texts = {link: link.read_bytes() for link in broken if link.is_file()}
    try:
        for link in broken:
            link.unlink(missing_ok=True)
            shutil.copytree(ROOT / link.name, link, ignore=shutil.ignore_patterns("__pycache__"))
        yield
    finally:
        for link in broken:
            shutil.rmtree(link, ignore_errors=True)
        for link, text in texts.items():
            link.write_bytes(text)


def refuse_editable() -> None:
    """An editable install of copies would not see the edits: it needs the links."""
    for link in broken_links():
        what = "was checked out as a text file" if link.is_file() else "is missing"
        raise SystemExit(f"{link}: this symbolic link {what}, and an editable install needs it; {REMEDY}")


def build_wheel(wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None) -> str:
    with copied_folders():
        return build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    with copied_folders():
        return build_meta.build_sdist(sdist_directory, config_settings)


def prepare_metadata_for_build_editable(metadata_directory: str, config_settings: Settings = None) -> str:
    refuse_editable()
    return build_meta.prepare_metadata_for_build_editable(metadata_directory, config_settings)


def build_editable(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    refuse_editable()
    return build_meta.build_editable(wheel_directory, config_settings, metadata_directory)
