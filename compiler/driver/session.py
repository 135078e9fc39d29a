"""Runs the phases over files: from SPECs to checked networks, generated texts and output files."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from resnetc.compiler import names
from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Fault, Sink
from resnetc.compiler.driver.output_files import Output, drop_colliding
from resnetc.compiler.driver.shared_work import SharedWork
from resnetc.compiler.driver.spec_arguments import (
    Entry,
    check_reachable,
    check_settings,
    find_entries,
    list_models,
    load_library,
)
from resnetc.compiler.evaluation.evaluator import AlreadyReported, Evaluator
from resnetc.compiler.expansion.application import make_tensor_evaluator
from resnetc.compiler.expansion.expander import Expander
from resnetc.compiler.expansion.instances import MAX_NETWORKS, Setting, UsageError, list_requests, too_many_networks
from resnetc.compiler.expansion.limits import too_many_blocks
from resnetc.compiler.expansion.request import Origin, Request
from resnetc.compiler.loader.loader import (
    LIBRARY,
    SUFFIX,
    Loader,
    SpecFile,
    decode,
    find_shipped,
    find_specs,
    is_shipped,
    shorten_path,
)
from resnetc.compiler.source import Source
from resnetc.compiler.syntax import tree as syntax
from resnetc.compiler.syntax.parser import parse_expression

__all__ = ["CheckedNetwork", "Session", "UsageError"]

MAX_FIXES_TRIED = 12  # remedies, in one run
MAX_COST_OF_TRIALS = 100_000  # of the networks compiled for them: an answer takes no second longer
MAX_COST = 20_000_000
"""What the networks of one file may cost: statements run, blocks, fifty for each operation, claims."""

MAX_COST_AFTER_FAULT = 100_000  # where one of them is refused: then the others can wait
MAX_FAULTS = 50  # of the arguments of a file's models


@dataclass(slots=True, eq=False)
class Session:
    """One run of the compiler: the files it has read and the faults it has found."""

    sink: Sink = field(default_factory=Sink)
    entries: list[Entry] = field(default_factory=list)
    files: int = 0
    refused: bool = False  # a SPEC could not be read at all
    loader: Loader = field(init=False)
    faulty_items: dict[SpecFile, frozenset[str]] = field(default_factory=dict)
    file_cost: int = 0  # on the networks of the file in hand
    texts: Mapping[Path, str] = field(default_factory=dict)  # read in the place of files
    loaded_before: Mapping[Path, SpecFile] = field(default_factory=dict)  # files that need not be read
    trials_left: int = MAX_FIXES_TRIED  # remedies that may still be tried
    remarks: list[str] = field(default_factory=list)  # which of several things a SPEC was taken for
    refuted_networks: list[CheckedNetwork] = field(default_factory=list)  # claims of these are false
    total_cost: int = 0  # of all networks
    cost_of_trials: int = 0  # of those compiled with a remedy
    shared: SharedWork = field(default_factory=SharedWork)  # by the networks of all files
    file_of_slot: tuple[int, dict[syntax.Slot, SpecFile]] | None = None  # of the slots, and for how many entries

    def __post_init__(self) -> None:
        self.loader = Loader(self.sink, self.texts, self.loaded_before)

    # -- what a SPEC means --------------------------------------------------------------------------------------------

    def add(self, spec: str, standard_input: bytes | None = None) -> None:
        """Reads a SPEC: a file, a directory, the name of a shipped spec or network, or `-`."""
        try:
            if spec == "-":
                source = decode(standard_input or b"", "standard input")
                self._add_entry(self.loader.link(source, None), "standard input", Path())
                return
            path = Path(spec)
            check_reachable(path)
            if path.is_dir():
                self._add_folder(path)
                return
            file = path if os.path.lexists(path) else find_shipped(spec)
            if file is not None:
                self._add_file(file, Path())
            else:
                self._add_network(spec)
        except Fault as fault:
            self.files += 1
            self.refused = True
            self.sink.add(fault.diagnostic)

    def add_text(self, text: str) -> None:
        """Reads what a spec says; the files that it uses are looked up as those of standard input are."""
        try:
            source = decode(text.encode("utf-8", "surrogatepass"), "text")
            self._add_entry(self.loader.link(source, None), "text", Path())
        except Fault as fault:
            self.files += 1
            self.refused = True
            self.sink.add(fault.diagnostic)

    def _add_folder(self, path: Path) -> None:
        files = find_specs(path)
        if not files:
            from resnetc.compiler.driver.errors import empty_folder

            raise Fault(empty_folder(path.as_posix()))
        for file in files:
            try:
                self._add_file(file, file.parent.relative_to(path))
            except Fault as fault:
                self.files += 1
                self.sink.add(fault.diagnostic)

    def _add_network(self, name: str) -> None:
        """Reads the shipped spec that has a network of this name; a file of the working folder goes before it."""
        from resnetc.compiler.driver import network_index
        from resnetc.compiler.driver.errors import no_spec

        networks = network_index.find_networks(name)
        path = find_shipped(networks[0].spec) if networks else None
        if path is None:
            raise Fault(no_spec(name))
        first, *others = networks
        beside = Path(f"{name}{SUFFIX}")
        if os.path.isfile(beside):
            self.remarks.append(f"{name} means the file {beside} here; the shipped network is {first.written}")
            self._add_file(beside, Path())
            return
        if first.name != name:
            self.remarks.append(f"{name} is {first.name} of {first.spec}")
        if others:
            places = ", ".join(f"`{other.written}`" for other in others)
            self.remarks.append(f"{name} means the one in {first.spec}; others with this name: {places}")
        self._add_file(path, Path(), first.name)

    def _add_file(self, path: Path, folder: Path, network: str | None = None) -> None:
        resolved = path.resolve()
        inside = resolved.is_relative_to(LIBRARY)
        title = resolved.relative_to(LIBRARY).as_posix().removesuffix(SUFFIX) if inside else path.name
        spec = self.loader.load(path, shorten_path(path) if inside and not path.is_relative_to(".") else None)
        self._add_entry(spec, title, folder, network)

    def _add_entry(self, spec: SpecFile, title: str, folder: Path, network: str | None = None) -> None:
        if network is not None and (networks := [e.network for e in self.entries if e.spec is spec]):
            if network not in networks and None not in networks:
                self.entries.append(Entry(spec, title, folder, network))
            return
        self.files += 1
        self.entries.append(Entry(spec, title, folder, network))

    # -- networks -----------------------------------------------------------------------------------------------------

    def compile_networks(
        self,
        model: str | None = None,
        settings: list[tuple[str, str]] | None = None,
        include_refuted: bool = False,
    ) -> list[CheckedNetwork]:
        """Every network of the session's files, or those of one model; faults go to the sink.

        With `refuted`, a network comes back although claims of it are false.
        """
        if self.refused:
            return []
        entries = find_entries(model, self.entries) if model else self.entries
        parsed = self._parse_settings(settings or [], entries)
        out: list[CheckedNetwork] = []
        for entry in entries:
            for spec in reversed(entry.spec.list_used_files()):
                self._check_names(spec)
            self.file_cost, first = 0, len(self.sink.diagnostics)
            for request in self._list_requests(entry, parsed):
                if self.file_cost > (MAX_COST_AFTER_FAULT if len(self.sink.diagnostics) > first else MAX_COST):
                    if len(self.sink.diagnostics) == first:
                        self.sink.add(too_many_blocks(request.model.span, self.file_cost))
                    break
                if model in (None, request.name, request.item):
                    checked = self._compile_network(entry, request, settings or [], include_refuted)
                    if checked is not None:
                        out.append(checked)
            self.total_cost += self.file_cost
        if model:
            sources = {spec.source for entry in entries for spec in entry.spec.list_used_files()}
            sources.add(self.loader.prelude.source)
            sources |= {s.expr.span.source for s in parsed}
            self.sink.diagnostics[:] = [d for d in self.sink.diagnostics if d.primary.span.source in sources]
        self.sink.sort()
        if any(fault.alternatives for fault in self.sink.diagnostics):
            from resnetc.compiler.driver.remedy_trials import try_remedies

            try_remedies(self.sink, entries, self._recompile)
        return out

    def lint(self, networks: list[CheckedNetwork], denied: Collection[str] = ()) -> None:
        """Puts the warnings about networks into the sink; those denied, by code or all as `warnings`, as errors.

        What is wrong comes first: beside false claims, only those warnings are told whose fix changes what is claimed.
        """
        false_claims = [fault for fault in self.sink.diagnostics if fault.severity == "error"]
        faults_of_claims = {id(contract.fault) for checked in self.refuted_networks for contract in checked.contracts}
        if any(id(fault) not in faults_of_claims for fault in false_claims):
            return
        from resnetc.compiler.lints.lint import find_warnings

        specs = {id(spec): spec for entry in self.entries for spec in entry.spec.list_used_files()}
        specs[id(self.loader.prelude)] = self.loader.prelude
        entries = {id(entry.spec) for entry in self.entries}
        own = [spec for spec in specs.values() if id(spec) in entries or not is_shipped(spec)]
        complete = [] if any(entry.network for entry in self.entries) else [entry.spec for entry in self.entries]
        for warning in find_warnings(specs.values(), own, [*networks, *self.refuted_networks], complete):
            if warning.alternatives or false_claims and warning.fix:
                from resnetc.compiler.driver.remedy_trials import try_remedies_of_warning

                warning = try_remedies_of_warning(warning, false_claims, self.entries, self._recompile, self.total_cost)
            if false_claims and not warning.fix:
                continue
            is_denied = "warnings" in denied or warning.code in denied
            self.sink.add(replace(warning, severity="error") if is_denied else warning)
        self.sink.sort()

    def _parse_settings(self, settings: list[tuple[str, str]], entries: list[Entry]) -> list[Setting]:
        """`--set` values, parsed by the grammar of the language."""
        out = []
        self.remarks += check_settings([name for name, _ in settings], entries, self.make_evaluator())
        for name, text in settings:
            expr = parse_expression(Source(f"--set {name}", text), self.sink)
            if expr is not None:
                out.append(Setting(name, text, expr))
        return out

    def require_settings(self, names: Iterable[str], model: str | None = None) -> None:
        """Raises `UsageError` for a name that is neither a parameter nor a slot."""
        if not self.refused:
            check_settings(names, find_entries(model, self.entries) if model else self.entries, self.make_evaluator())

    def list_models(self, model: str | None = None) -> list[syntax.Model]:
        """The model definitions that the session's networks come from."""
        entries = find_entries(model, self.entries) if model else self.entries
        return [m for entry in entries for m in list_models(entry.spec)]

    def _find_file_of_slot(self) -> dict[syntax.Slot, SpecFile]:
        """Which file each slot is of, looked up again only once a file has been added."""
        if self.file_of_slot is None or self.file_of_slot[0] != len(self.entries):
            specs = {id(s): s for e in self.entries for s in e.spec.list_used_files()}
            specs[id(self.loader.prelude)] = self.loader.prelude
            slots = {i: s for s in specs.values() for i in s.tree.items if isinstance(i, syntax.Slot)}
            self.file_of_slot = len(self.entries), slots
        return self.file_of_slot[1]

    def make_evaluator(self) -> Evaluator:
        """What evaluates the expressions of the session's files."""
        return make_tensor_evaluator(self.loader.prelude, self._find_file_of_slot())

    def _check_names(self, spec: SpecFile) -> None:
        if spec not in self.faulty_items:
            self.faulty_items[spec] = names.check(spec, self.loader.prelude, self.sink, self.faulty_items)

    def _list_requests(self, entry: Entry, settings: list[Setting]) -> list[Request]:
        library = load_library(self.loader) if settings else SpecFile("std", self.loader.prelude.tree, None)
        out: list[Request] = []
        faults_before, faulty = len(self.sink.diagnostics), self.faulty_items.get(entry.spec, frozenset())
        for item in entry.spec.tree.items:
            name = item.name.id
            if not isinstance(item, (syntax.Model, syntax.Instance)) or name in faulty or not entry.may_define(name):
                continue
            try:
                own = SpecFile(
                    entry.spec.name, replace(entry.spec.tree, items=(item,)), entry.spec.path, entry.spec.names
                )
                requested = list_requests(own, settings, self.make_evaluator(), library)
                if entry.network is not None:
                    declared = list_requests(own, [], self.make_evaluator(), library)
                    requested = entry.select(requested, declared, settings)
                out += requested
                if len(out) > MAX_NETWORKS:
                    raise Fault(too_many_networks(item.name.span, len(out), "this file"))
            except Fault as fault:
                self.sink.add(fault.diagnostic)
                if len(out) > MAX_NETWORKS or len(self.sink.diagnostics) >= faults_before + MAX_FAULTS:
                    return []
            except AlreadyReported:
                pass
        if entry.network is not None and not out and len(self.sink.diagnostics) == faults_before:
            raise UsageError(f"{entry.title} has no network `{entry.network}`: the index of shipped specs is stale")
        return out

    def _compile_network(
        self,
        entry: Entry,
        request: Request,
        settings: list[tuple[str, str]],
        include_refuted: bool,
    ) -> CheckedNetwork | None:
        """One network, expanded, proved, measured and its claims checked; None where a fault went to the sink."""
        from resnetc.compiler.claims import checker
        from resnetc.compiler.measures import summary
        from resnetc.compiler.proof import prove
        from resnetc.compiler.sizes.budget import Budget

        homes = self._find_file_of_slot()
        expander = Expander(request, self.loader.prelude, homes, self.shared.blocks)
        faults: list[Diagnostic] = []
        try:
            network = expander.build_network()
        except Fault as fault:
            faults = [fault.diagnostic]
        except AlreadyReported:
            return None
        finally:
            self.file_cost += expander.cost
        if not faults:
            accepted, faults = prove.prove(network)
        if faults:
            from resnetc.compiler.remedies.verification import verify_fixes

            recompile = partial(self._recompile, entry.spec, request.name, settings)
            for diagnostic in faults:
                self.sink.add(verify_fixes(diagnostic, recompile, expander.cost))
            return None
        measures = summary.measure(network, self.shared.measurer)
        budget = Budget()
        claims = checker.check_contracts(network, accepted, measures, expander.evaluator, budget)
        self.file_cost += budget.spent
        claimed = [contract.fault for contract in claims if contract.fault is not None]
        for diagnostic in claimed:
            self.sink.add(diagnostic)
        checked = CheckedNetwork(
            network=network,
            accepted=accepted,
            measures=measures,
            spec=entry.spec,
            title=entry.title,
            folder=entry.folder,
            origin=Origin(request, self.loader.prelude, homes),
            contracts=claims,
        )
        if claimed and not include_refuted:
            self.refuted_networks.append(checked)
            return None
        return checked

    def _recompile(
        self, spec: SpecFile, network: str | None, settings: list[tuple[str, str]], edits: tuple[Edit, ...]
    ) -> list[Diagnostic] | None:
        """The faults of a network of `spec`, or of all, with an edited text; None where no budget is left."""
        from resnetc.compiler.remedies.verification import apply_edits

        if self.trials_left == 0 or self.cost_of_trials > MAX_COST_OF_TRIALS:
            return None
        self.trials_left -= 1
        source, text = edits[0].span.source, apply_edits(edits)
        files = [file.path.resolve() for file in self.loader.loaded.values() if file.source is source and file.path]
        loaded_before = self.loader.list_loaded_shipped()
        faulty = {f: names for f, names in self.faulty_items.items() if f.path and f.path.resolve() in loaded_before}
        other = Session(
            texts=dict.fromkeys(files, text), loaded_before=loaded_before, faulty_items=faulty, trials_left=0
        )
        if spec.path is None:
            other.add("-", (text if spec.source is source else spec.source.text).encode())
        else:
            other.add(str(spec.path))
        other.compile_networks(network, [*settings])
        self.cost_of_trials += other.total_cost
        return other.sink.diagnostics

    # -- texts --------------------------------------------------------------------------------------------------------

    def render(self, checked: CheckedNetwork) -> str:
        """The generated module of a network."""
        from resnetc.compiler.codegen.module import module_text

        shared = self.shared
        digest = shared.compute_spec_digest(checked.spec, self.loader.prelude)
        return module_text(checked, digest, shared.digests, shared.texts)

    def render_outputs(self, networks: list[CheckedNetwork], directory: Path) -> list[Output]:
        """One file a network; two networks with one file are a fault."""
        outputs = []
        for checked in networks:
            place, title = checked.folder / f"{checked.network.name}.py", f"{checked.network.name} of {checked.title}"
            outputs.append(Output(directory, place, self.render(checked), title))
        return drop_colliding(outputs, [checked.network.root.definition.name.span for checked in networks], self.sink)
