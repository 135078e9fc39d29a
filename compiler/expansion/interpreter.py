"""Interprets the text of one network: expressions, statements, slots and policies, each in its frame."""

from __future__ import annotations

from collections.abc import Mapping

from resnetc.compiler.evaluation.evaluator import Evaluator
from resnetc.compiler.expansion.binding_effects import BindingEffects
from resnetc.compiler.expansion.bindings import Bindings
from resnetc.compiler.expansion.choices import Choices
from resnetc.compiler.expansion.frames import Frames
from resnetc.compiler.expansion.leaves import Leaves
from resnetc.compiler.expansion.shared_blocks import SharedBlocks
from resnetc.compiler.expansion.statements import Statements
from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax


class Interpreter:
    """Holds what reads the texts. Whoever makes something of them applies layers its own way (`TensorOperators`)."""

    def __init__(
        self,
        prelude: SpecFile,
        homes: Mapping[syntax.Slot, SpecFile],
        arguments_span: Span | None = None,
        shared: SharedBlocks | None = None,
    ) -> None:
        self.shared = SharedBlocks() if shared is None else shared
        self.evaluator = Evaluator(prelude, homes)
        self.bindings = Bindings()
        self.statements = Statements(self.evaluator, self.bindings, arguments_span)
        self.effects = BindingEffects(self.evaluator)
        self.frames = Frames(self.evaluator, self.statements, self.effects)
        self.choices = Choices(self.evaluator, self.statements, self.frames)
        self.leaves = Leaves(self.shared.operations)
