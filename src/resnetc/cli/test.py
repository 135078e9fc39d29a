"""`resnetc test`: compiles every network and compares it, claims included, with its real module."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING

from resnetc.cli.common import open_session, parse_sizes, print_notes, print_user_code, report_diagnostics
from resnetc.cli.declaration import Command, Exclusion, exclude
from resnetc.compiler.fast_dataclass import record
from resnetc.terminal import message

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from resnetc.compiler.checked_network import CheckedNetwork
    from resnetc.compiler.driver.session import Session
    from resnetc.testing.exercise import Failure, Finding
    from resnetc.testing.inputs import Sizes


OK, INPUT = 0, 1
MIN_EXAMPLES, MAX_EXAMPLES, MAX_EXAMPLES_OF_MANY = 12, 60, 20  # inputs of a network, of one among more than FEW
MAX_FEW = 10
MAX_JOBS = 4  # of many networks; each may need a gigabyte
WORK = 12_000  # entries of state dicts over the inputs: deep networks get fewer of these
MAX_INPUT_NUMBERS = 2**40  # numbers in an input


def add_commands(command: Command, add_selection_options: Callable[[argparse.ArgumentParser], None]) -> None:
    """Declares the command; torch and Hypothesis are imported when it runs."""
    parser = command(
        "test",
        test,
        "check claims and predictions against the real modules",
        "resnetc test imagenet/resnet50 --input 3x225x225",
    )
    parser.add_argument(
        "spec",
        nargs="+",
        metavar="SPEC",
        help="a file, a directory, the name of a shipped spec or network, or - (standard input)",
    )
    add_selection_options(parser)
    size = parser.add_argument(
        "--input", metavar="SIZE", help="test only this input, such as 3x224x224; it may be a rejected one"
    )
    parser.add_argument(
        "--batch", type=parse_count, metavar="N", help="test only batches of N images (default: 1, 2 and 3)"
    )
    examples = parser.add_argument(
        "--examples",
        type=parse_count,
        metavar="N",
        help="number of inputs per network, edge cases first (default: 12 to 60 by depth, 20 for many networks)",
    )
    parser.add_argument(
        "--jobs",
        type=parse_count,
        metavar="N",
        help="networks to test in parallel (default: 1; for more than ten networks, one per core, up to 4)",
    )
    exclude(parser, Exclusion(size, [examples], "is the only size that is tested"))


def parse_count(text: str) -> int:
    if not text.isdecimal() or len(text) > 6 or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a number from 1 to 999999, not {text!r}")
    return int(text)


@record(eq=True)
class Result:
    """What came of one network: claims and predictions that hold, those not tried, how many inputs, what failed."""

    claims: int
    predictions: int
    untried: int  # predictions that no input could be found for
    inputs: int
    failures: tuple[Finding, ...]


# -- the command ------------------------------------------------------------------------------------------------------


def test(options: argparse.Namespace) -> int:
    from resnetc.compiler.driver.session import UsageError

    session = open_session(options.spec)
    networks = session.compile_networks(options.model, options.settings)
    if report_diagnostics(session):
        return INPUT
    if not networks:
        raise UsageError("no network to test: every model here needs arguments, see `--set`")
    sizes = [
        parse_input(options.input, checked, options.batch or 1) if options.input is not None else None
        for checked in networks
    ]
    require_packages()
    print_notes(session, networks)
    print_user_code(networks)
    results = []
    for checked, (result, lines) in zip(networks, test_networks(session, networks, sizes, options), strict=True):
        results.append(result)
        is_brief = len(networks) > 1
        sys.stdout.write(
            format_summary(checked, results[-1]) if is_brief else f"{format_headline(checked)}\n{''.join(lines)}"
        )
        sys.stdout.writelines(format_failure(checked, finding, options) for finding in results[-1].failures)
        if results[-1].failures:
            sys.stdout.write(format_line("", format_blame(results[-1])))
        sys.stdout.flush()
    broken = sum(bool(result.failures) for result in results)
    claims, predictions = sum(result.claims for result in results), sum(result.predictions for result in results)
    untried, inputs = sum(result.untried for result in results), sum(result.inputs for result in results)
    verdict = f"{format_count(claims, 'claim')} and {format_count(predictions, 'prediction')} hold"
    if broken:
        verdict = f"{broken} failed"
    if untried:
        verdict += f"; {format_count(untried, 'prediction')} not tried"
    print(f"{format_count(len(results), 'network')}, {format_count(inputs, 'input')}: {verdict}")
    return INPUT if broken else OK


Outcome = tuple[Result, list[str]]


def test_networks(
    session: Session, networks: Sequence[CheckedNetwork], sizes: Sequence[Sizes | None], options: argparse.Namespace
) -> Iterator[Outcome]:
    """What comes of each network with its lines, in their order; several at a time are tried by processes."""
    many = len(networks) > MAX_FEW

    def test_one(number: int) -> Outcome:
        lines: list[str] = []
        return test_network(session, networks[number], sizes[number], options, lines, many), lines

    jobs = options.jobs or (min(len(list_cores()), MAX_JOBS) if many else 1)
    if sys.platform != "linux" or "torch" in sys.modules:
        jobs = 1  # elsewhere a process is no copy of its parent, and one with threads is not to be copied
    jobs = min(jobs, len(networks))
    yield from map(test_one, range(len(networks))) if jobs == 1 else test_in_processes(test_one, len(networks), jobs)


def test_in_processes(work: Callable[[int], Outcome], count: int, jobs: int) -> Iterator[Outcome]:
    """The same by processes, of which each takes every `jobs`-th network; they end with this one."""
    from multiprocessing import get_context

    from resnetc.runtime.errors import RunError

    fork, ends = get_context("fork"), []
    for job in range(jobs):
        end, other = fork.Pipe(duplex=False)
        fork.Process(target=run_worker, args=(work, range(job, count, jobs), other, jobs), daemon=True).start()
        other.close()
        ends.append(end)
    for number in range(count):
        try:
            outcome: Outcome | Exception = ends[number % jobs].recv()
        except EOFError:
            raise RunError("a process was killed, possibly out of memory: try `--jobs 1`") from None
        if isinstance(outcome, Exception):
            raise outcome
        yield outcome


def run_worker(work: Callable[[int], Outcome], numbers: Iterable[int], end: Connection, jobs: int) -> None:
    """A process with its part of the cores. Ctrl-C is its parent's business, which ends it."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(max(1, min(torch.get_num_threads(), len(list_cores()) // jobs)))
    for number in numbers:
        try:
            end.send(work(number))
        except Exception as error:
            end.send(error)


def list_cores() -> set[int]:
    """The cores that this process may use."""
    return os.sched_getaffinity(0) if sys.platform == "linux" else set(range(os.cpu_count() or 1))


def require_packages() -> None:
    """The one message where the packages of the tests are not installed."""
    from resnetc.runtime.errors import require_packages

    require_packages("torch", "hypothesis", extra="test")


def parse_input(text: str, checked: CheckedNetwork, batch: int) -> Sizes:
    """The sizes of `--input`; unlike those of `show` they may be refused, unless the model fixes the axis."""
    from resnetc.compiler.driver.session import UsageError

    sizes, declared = parse_sizes(text, checked), checked.network.input
    for size, symbol, fixed in zip(sizes, declared.symbols, declared.sizes, strict=True):
        if symbol is None and size != fixed:
            raise UsageError(f"--input {text}: {checked.network.name} fixes this axis to {fixed}, not {size}")
    if prod(sizes) * declared.channels * batch > MAX_INPUT_NUMBERS:
        raise UsageError(f"--input {text}: {format_count(batch, 'image')} of this size are more than 2^40 numbers")
    return sizes


def test_network(
    session: Session,
    checked: CheckedNetwork,
    only: Sizes | None,
    options: argparse.Namespace,
    lines: list[str],
    many: bool,
) -> Result:
    """Exercises one network; a line a claim or prediction goes to `lines`."""
    from resnetc.api import Compiled
    from resnetc.compiler.sizes import show_set
    from resnetc.testing import torch_module
    from resnetc.testing.claims import claim
    from resnetc.testing.exercise import exercise
    from resnetc.testing.inputs import examples, examples_at
    from resnetc.testing.torch_measurements import Measured
    from resnetc.testing.trial import parts

    network, accepted, measures = checked.network, checked.accepted, checked.measures
    compiled = Compiled(session.render(checked), network, (), checked)
    number, batch = options.examples or choose_example_count(checked, many), options.batch
    inputs = examples_at(only, measures, batch) if only else examples(network, accepted, measures, number, batch)

    axes = enumerate(zip(accepted.axes, network.input.symbols, strict=True), 1)
    sizes = ", ".join(show_set(axis, symbol or f"axis {number}") for number, (axis, symbol) in axes)
    lines.append(format_line("proved", f"accepts {sizes}; at each, both sides of every `+` have equal shapes"))
    findings, held_claims = [], 0
    measured, evaluator = Measured(*parts(compiled)), session.make_evaluator()
    for contract in checked.contracts:
        if not contract.holds:
            why = "its condition is never met here" if contract.verdict == "void" else "written for other slots"
            lines.append(format_line("skipped", f"expect {contract.text}; {why}"))
            continue
        finding = claim(contract, compiled, inputs, evaluator, measured, alone=only is not None)
        if finding is None:
            detail = "cannot be observed on the module"
        else:
            findings.append(finding)
            detail = f"holds on the module at {finding.detail}" if finding.detail else "holds on the module"
            if not finding.examples:
                detail = "not tried: none of its inputs runs"
        if finding is None or finding.failure is None:
            held_claims += 1
            lines.append(format_line(contract.verdict, f"expect {contract.text}; {detail}"))
    predictions = untried = 0
    for finding in exercise(compiled, inputs):
        findings.append(finding)
        if finding.failure is None:
            untried += not finding.examples
            predictions += bool(finding.examples)
            verdict = "tried" if finding.examples else "skipped"
            lines.append(
                format_line(verdict, f"{finding.name}, {format_count(finding.examples, 'input')}: {finding.detail}")
            )
    torch_module.module_of.cache_clear()
    torch_module.run.cache_clear()
    return Result(
        held_claims, predictions, untried=untried, inputs=len(inputs), failures=tuple(f for f in findings if f.failure)
    )


def choose_example_count(checked: CheckedNetwork, many: bool) -> int:
    """How many inputs a network is tried with unless `--examples` says so."""
    from resnetc.compiler.measures.summary import list_state_dict_keys

    return max(
        MIN_EXAMPLES,
        min(MAX_EXAMPLES_OF_MANY if many else MAX_EXAMPLES, WORK // max(len(list_state_dict_keys(checked.network)), 1)),
    )


# -- words ------------------------------------------------------------------------------------------------------------


def format_count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def format_line(verdict: str, text: str) -> str:
    return f"  {verdict:9} {message(text)}\n"


def format_headline(checked: CheckedNetwork) -> str:
    return f"{checked.network.name}  ({checked.title})"


def format_summary(checked: CheckedNetwork, result: Result) -> str:
    """A network among several: one line."""
    verdict = "FAILED" if result.failures else "ok"
    hold = f"{format_count(result.claims, 'claim')}, {format_count(result.predictions, 'prediction')}"
    hold += f" ({result.untried} not tried)" if result.untried else ""
    return f"{verdict:6} {format_headline(checked)}: {hold}, {format_count(result.inputs, 'input')}\n"


def format_failure(checked: CheckedNetwork, finding: Finding, options: argparse.Namespace) -> str:
    """A failure, and the command that shows it again."""
    assert finding.failure is not None
    where = " on the same text" if checked.spec.path is None else ""
    return format_line("FAILED", f"{finding.name}: {finding.failure.message}") + format_line(
        "", f"replay{where}: {format_replay(checked, finding.failure, options.settings)}"
    )


def format_blame(result: Result) -> str:
    """Whose the failure is."""
    if all(finding.name.startswith("extern ") for finding in result.failures):
        return "the class does not match its `extern`: correct the declaration or the class"
    return "the module does not behave as the compiler predicts: please report this with the spec"


def format_replay(checked: CheckedNetwork, failure: Failure, settings: Sequence[tuple[str, str]]) -> str:
    """The command that tries this network at this input alone."""
    spec = "-" if checked.spec.path is None else checked.title if is_shipped(checked) else checked.spec.source.name
    words = ["resnetc", "test", spec, "--model", checked.network.name]
    for name, value in settings:
        words += ["--set", f"{name}={value}"]
    if failure.example is not None:
        words += ["--input", "x".join(map(str, (checked.network.input.channels, *failure.example.sizes)))]
        words += ["--batch", str(failure.example.batch)]
    return shlex.join(words)


def is_shipped(checked: CheckedNetwork) -> bool:
    from resnetc.compiler.loader.loader import LIBRARY

    return checked.spec.path is not None and checked.spec.path.resolve().is_relative_to(LIBRARY)
