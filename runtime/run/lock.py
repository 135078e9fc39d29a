"""One run at a time in a folder: a lock that the system releases when its owner ends, however it ends."""

import errno
import json
import os
import socket
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from resnetc.runtime.distributed.process_group import Group
from resnetc.runtime.errors import RunError
from resnetc.runtime.run.folder import RunFolder

IN_USE_STATUS = 3  # the exit status of a run that finds another one in its folder
_MAX_OWNER_BYTES = 1000
_SECONDS_BETWEEN_TRIES = 0.2


@contextmanager
def lock_folder(run: RunFolder) -> Iterator[None]:
    """Hold the run folder, which is made if it is missing; its `run.lock` names the owner while the lock lasts.

    Raises RunError with status 3 if a run that is alive holds it. A run that was killed holds nothing: the lock is the
    system's (`flock`), and the file alone means nothing. Where the system has no such lock, nothing is locked.
    """
    path = run.lock
    if sys.platform == "win32":
        yield
        return
    try:
        run.path.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise RunError(f"{run.path}: cannot use it as a run folder: {fault.strerror}") from None
    try:
        handle = _open_locked(path)
    except OSError as fault:
        raise RunError(f"{path}: cannot lock the run folder: {fault.strerror}") from None
    owner = {"process": os.getpid(), "host": socket.gethostname(), "since": f"{datetime.now():%Y-%m-%d %H:%M:%S}"}
    try:
        with suppress(OSError):  # a full disk: it is locked all the same
            os.ftruncate(handle, 0)
            os.write(handle, json.dumps(owner).encode())
        yield
    finally:
        with suppress(OSError):  # a folder that may no longer be written: the file alone means nothing
            path.unlink(missing_ok=True)  # before it is released, so that nobody waits for a file that goes
        os.close(handle)


@contextmanager
def wait_for_folder(run: RunFolder) -> Iterator[None]:
    """Hold the folder as `lock_folder` does, after whoever else holds it."""
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(lock_folder(run))
                break
            except RunError as fault:
                if fault.status != IN_USE_STATUS:
                    raise
            time.sleep(_SECONDS_BETWEEN_TRIES)
        yield


@contextmanager
def hold_folder(run: RunFolder, group: Group) -> Iterator[None]:
    """Hold the folder of a run in the first process of a group; all raise what it raises."""
    with ExitStack() as stack:
        group.broadcast_from_rank0(lambda: stack.enter_context(lock_folder(run)))
        yield


def _open_locked(path: Path) -> int:
    """The file, opened and locked; RunError if another process has locked it."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "not a regular file; remove it")
            if not _lock(handle):
                raise RunError(f"{path.parent}: in use by {_describe_owner(handle)}", status=IN_USE_STATUS)
            try:
                is_current = os.path.samestat(os.stat(path, follow_symlinks=False), status)
            except FileNotFoundError:
                is_current = False
            if is_current:
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # its owner has removed the file while this process opened it


def _lock(handle: int) -> bool:
    """Lock an open file without waiting; False if another process has."""
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        return fault.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True


def _describe_owner(handle: int) -> str:
    """The process that holds the lock, as it wrote itself down; what the file holds is not trusted."""
    try:
        owner = json.loads(os.pread(handle, _MAX_OWNER_BYTES, 0))
        text = f"process {int(owner['process'])} on {owner['host']!s:.60} since {owner['since']!s:.30}"
    except (ValueError, TypeError, KeyError, OverflowError, OSError):
        text = "another process"
    return f"a running process ({text}): wait for it to end, or use another --out"
