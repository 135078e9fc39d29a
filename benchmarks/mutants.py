"""Small faults put into the size and shape modules, one at a time: does a test fail for each of them?

    python benchmarks/mutants.py [--seconds 2400] [--workers 2] [--only TEXT] [--tests FILE...] [--again] [--fresh]

The tests are those of the modules themselves, and the recorded messages. One process imports and collects them once;
each mutant is a fork of it that changes one function and runs the tests which reach the changed line, quickest first,
until one fails. A mutant that takes several times as long as its tests should is dead too. Results are kept in
build/mutants.jsonl, so that a run that was stopped goes on where it was; `--again` tries the survivors again,
`--fresh` everything. Survivors that no test can tell from the original stand in benchmarks/mutants.txt with the
reason. Status 1: fewer than 95 % died, or one survived without a reason. What a mutant is stands in
benchmarks/mutations.py.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import importlib
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import pytest
from mutations import Mutant, apply, mutants, watch

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "build" / "mutants.jsonl"
SURVEY = ROOT / "build" / "mutants-survey.json"
EXPLAINED = Path(__file__).with_name("mutants.txt")
MODULES = [f"resnetc.compiler.{'.'.join(p.with_suffix('').parts)}" for p in (
    Path(folder, p.name) for folder in ("sizes", "shapes")
    for p in sorted((ROOT / "compiler" / folder).glob("[!_]*.py"))
)]  # fmt: skip
TESTS = [
    "tests/unit/sizes/test_sizes.py",
    "tests/unit/sizes/test_limits.py",
    "tests/unit/shapes/test_rules.py",
    "tests/unit/shapes/test_errors.py",
    "tests/ui/test_ui.py",
]  # of these only
LEAST = 10  # CPU seconds of a mutant, and several times what its tests take
SLOWEST = 20  # a test that takes longer is left out
ENOUGH = 0.95
BROKEN = 3
CHEAP = ["--tb=native", "--assert=plain"]  # nobody reads these failures

# -- tests ------------------------------------------------------------------------------------------------------------


def caches() -> list[Any]:
    """The memoised functions of the compiler."""
    modules = [m for name, m in sys.modules.items() if name.startswith("resnetc.")]
    return [f for m in modules for f in vars(m).values() if hasattr(f, "cache_clear")]


def passes(item: pytest.Item) -> bool:
    """Runs a test, with nothing remembered from the one before."""
    from _pytest.runner import runtestprotocol

    for cached in caches():
        cached.cache_clear()
    return all(report.outcome != "failed" for report in runtestprotocol(item, log=False, nextitem=None))


def alone(config: pytest.Config) -> str:
    """Makes a fork silent, and gives it a folder of its own."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    folder = tempfile.mkdtemp()
    config._tmp_path_factory._basetemp = Path(folder)  # type: ignore[attr-defined]
    return folder


def forked(body: Callable[[], int]) -> int:
    """The process id of a fork that ends with the status of `body`."""
    if pid := os.fork():
        return pid
    status = BROKEN
    try:
        status = body()
    finally:
        os._exit(status)


@lru_cache
def digest(path: Path) -> str:
    """Of what the reach of a file's tests depends on: the file, and the compiler."""
    files = [path, *sorted((ROOT / "compiler").rglob("*.py"))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def survey(session: pytest.Session) -> dict[str, Any]:
    """For every test the seconds it takes, whether it passes, and the lines that it reaches; kept between runs."""
    kept = json.loads(SURVEY.read_text()) if SURVEY.exists() else {}
    digests = {item.nodeid: digest(item.path) for item in session.items}
    rows = {name: kept[name] for name, found in digests.items() if name in kept and kept[name][3] == found}
    new = reach(session, [item for item in session.items if item.nodeid not in rows])
    rows |= {name: [*row, digests[name]] for name, row in new.items()}
    SURVEY.parent.mkdir(exist_ok=True)
    SURVEY.write_text(json.dumps({name: row for name, row in kept.items() if name not in digests} | rows))
    return rows


def reach(session: pytest.Session, items: list[pytest.Item]) -> dict[str, Any]:
    """Runs tests in a fork in which every statement of the modules notes that it was reached."""
    out = Path(tempfile.mkstemp()[1])

    def body() -> int:
        folder, rows = alone(session.config), {}
        seen: set[tuple[str, int]] = set()
        for module in MODULES:
            watch(module, seen)
        for item in items:
            seen.clear()
            started = time.process_time()
            passed = passes(item)
            rows[item.nodeid] = [time.process_time() - started, passed, sorted(seen)]
        out.write_text(json.dumps(rows))
        shutil.rmtree(folder)
        return 0

    os.waitpid(forked(body), 0)
    found: dict[str, Any] = json.loads(out.read_text())
    out.unlink()
    return found


class Runner:
    """A pytest plugin that runs the mutants in place of the tests."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.results: dict[str, dict[str, Any]] = {}
        if RESULTS.exists() and not options.fresh:
            for line in RESULTS.read_text().splitlines():
                row = json.loads(line)
                self.results[row["key"]] = row

    def pytest_collection(self) -> None:
        import hypothesis

        quick = hypothesis.settings(
            hypothesis.settings.get_profile("ci"), phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate]
        )
        hypothesis.settings.register_profile("mutants", quick)
        hypothesis.settings.load_profile("mutants")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        started = time.time()
        todo = [m for module in MODULES for m in mutants(module)]
        self.every = {m.key for m in todo}
        done = {key for key, row in self.results.items() if not (self.options.again and row["result"] == "survived")}
        todo = [m for m in todo if m.key not in done and (self.options.only or "") in m.key]
        rows = survey(session)
        if failed := [name for name, (_, passed, *_) in rows.items() if not passed]:
            print("these tests fail without a mutant, and are left out:", *failed, sep="\n  ")
        print(f"{len(rows)} tests, surveyed in {time.time() - started:.0f} s; {len(todo)} mutants to try", flush=True)
        items = {item.nodeid: item for item in session.items}
        gc.collect()
        gc.freeze()  # forks share what is there
        usable = {name: row for name, row in rows.items() if row[1] and row[0] < SLOWEST}
        rows = dict(sorted(usable.items(), key=lambda row: row[1][0]))
        reaching: dict[tuple[str, int], list[str]] = {}
        for name, (_, _, lines, _) in rows.items():
            for module, line in lines:
                reaching.setdefault((module, line), []).append(name)
        running: dict[int, tuple[Mutant, float]] = {}
        with RESULTS.open("w" if self.options.fresh else "a") as log:
            while todo or running:
                while todo and len(running) < self.options.workers and time.time() - started < self.options.seconds:
                    mutant = todo.pop(0)
                    reached = {name for line in mutant.lines for name in reaching.get((mutant.module, line), ())}
                    chosen = [items[name] for name in rows if mutant.constant or name in reached]
                    limit = LEAST + round(4 * sum(rows[item.nodeid][0] for item in chosen))
                    body = partial(self.judge, session, mutant, chosen, limit)
                    running[forked(body)] = mutant, time.time()
                if not running:
                    break
                pid, status = os.waitpid(-1, 0)
                mutant, begun = running.pop(pid)
                if os.WIFEXITED(status) and os.WEXITSTATUS(status) == BROKEN:
                    raise SystemExit(f"the tests could not be run for {mutant.key}")
                result = "timeout" if os.WIFSIGNALED(status) else "killed" if status else "survived"
                row = {"key": mutant.key, "result": result, "seconds": round(time.time() - begun, 2)}
                self.results[mutant.key] = row
                print(json.dumps(row), file=log, flush=True)
        self.seconds, self.left = time.time() - started, len(todo)
        return True

    @staticmethod
    def judge(session: pytest.Session, mutant: Mutant, items: list[pytest.Item], limit: int) -> int:
        """In a fork: 0 if every test passes, 1 if one fails; a signal ends it beyond the limit."""
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
        resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))
        signal.alarm(5 * limit)
        folder = alone(session.config)
        try:
            try:
                apply(mutant)
            except Exception:
                return 1  # it cannot even be imported
            return 0 if all(passes(item) for item in items) else 1
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def explained() -> dict[str, str]:
    """The mutants that no test can kill, each with its reason."""
    found: dict[str, str] = {}
    for block in EXPLAINED.read_text(encoding="utf-8").split("\n\n") if EXPLAINED.exists() else []:
        lines = [line for line in block.strip().split("\n") if line and not line.startswith("#")]
        keys = [line for line in lines if not line.startswith(" ")]
        reason = " ".join(line.strip() for line in lines if line.startswith(" "))
        found |= dict.fromkeys(keys, reason)
    return found


def report(runner: Runner) -> int:
    results = [runner.results[key] for key in sorted(runner.every) if key in runner.results]
    count = Counter(row["result"] for row in results)
    reasons = explained()
    for row in results:
        if row["result"] == "survived" and not reasons.get(row["key"]):
            print(f"survived: {row['key']}")
    for key in reasons.keys() - {row["key"] for row in results if row["result"] == "survived"}:
        print(f"explained in {EXPLAINED.name}, but did not survive: {key}")
    unexplained = [r for r in results if r["result"] == "survived" and not reasons.get(r["key"])]
    died = count["killed"] + count["timeout"]
    print(
        f"{len(results)} mutants of {len(runner.every)}: {died} died ({died / max(len(results), 1):.1%}; "
        f"{count['timeout']} of them by time), {count['survived']} survived, {len(unexplained)} of them unexplained; "
        f"{sum(row['seconds'] for row in results):.0f} s of processes; this run {runner.seconds:.0f} s"
    )
    if runner.left:
        print(f"{runner.left} are left: run it again to go on")
    return 0 if not runner.left and not unexplained and died >= ENOUGH * len(results) else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2400, help="start no mutant after this time")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--tests", nargs="+", help="test files, instead of the modules' own")
    parser.add_argument("--only", help="mutants with this text in their names")
    parser.add_argument("--again", action="store_true", help="try the survivors of an earlier run again")
    parser.add_argument("--fresh", action="store_true", help="forget earlier runs")
    options = parser.parse_args()
    os.environ |= {"CI": "true", "OMP_NUM_THREADS": "1"}
    os.chdir(ROOT)
    runner = Runner(options)
    for module in MODULES:
        importlib.import_module(module)
    tests = options.tests or TESTS
    status = pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-s", *CHEAP, *tests], plugins=[runner])
    if status not in (0, 5):
        return int(status)
    return report(runner)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "src"))
    sys.exit(main())
