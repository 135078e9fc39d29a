"""Whether the text of a module holds nothing but layers: what `resnetc compile` writes can do no harm when executed.

A run folder may come from a stranger, and its `model.py` is Python. A module that the compiler wrote consists of few
constructs and of few names of torch's; whatever else a text holds is refused before it is executed. The lists are short
because everything is on them that may be there, and not what may not.
"""

import ast
import builtins
import types
from collections.abc import Iterator

import torch
from torch import nn

_NODES = frozenset(
    "Module Expr Assign AnnAssign AugAssign ClassDef FunctionDef Return For If Pass Import ImportFrom alias arguments "
    "arg keyword Load Store Name Attribute Constant Call Subscript Slice Starred Tuple List Dict JoinedStr "
    "FormattedValue GeneratorExp ListComp SetComp DictComp comprehension IfExp BoolOp And Or UnaryOp Not USub UAdd "
    "BinOp Add Sub Mult Div FloorDiv Mod Pow MatMult BitOr Compare Eq NotEq Lt LtE Gt GtE Is IsNot In NotIn".split()
)
IMPORTS = {  # of each module, the names that may be imported from it
    "torch": ("Tensor", "nn"),
    "torch.nn": (),
    "torch.nn.functional": (),
    "collections": ("OrderedDict",),
    "math": (),
    "typing": ("Any",),
}
_PACKAGES = ("torch", "nn", "F", "math")  # only ever followed by a dot
_MODULE_NAMES = frozenset((*_PACKAGES, "self", "super"))  # that nothing else may be called
_BUILTINS = frozenset(
    "int float bool str tuple list dict set isinstance super range len max min sum abs zip enumerate".split()
)
_TORCH = frozenset(
    "cat split chunk stack ones zeros full empty tensor unflatten flatten maximum minimum where sqrt rsqrt exp log "
    "tanh sigmoid softmax relu abs pow sum mean var amax amin einsum matmul bmm baddbmm addcmul lerp clamp arange "
    "outer narrow permute reshape ones_like zeros_like empty_like logsumexp add mul sub div square roll flip cumsum "
    "linspace float32 float64 contiguous_format channels_last channels_last_3d Tensor Size var_mean dropout".split()
)
_FUNCTIONAL = frozenset(name for name in dir(nn.functional) if name.islower() and name[0] != "_") & frozenset(
    "pad batch_norm layer_norm group_norm instance_norm conv1d conv2d conv3d linear relu silu gelu softmax sigmoid "
    "interpolate avg_pool1d avg_pool2d avg_pool3d max_pool1d max_pool2d max_pool3d adaptive_avg_pool1d "
    "adaptive_avg_pool2d adaptive_avg_pool3d dropout normalize hardswish hardsigmoid hardtanh leaky_relu elu mish "
    "softplus unfold fold pixel_shuffle pixel_unshuffle local_response_norm scaled_dot_product_attention relu6 "
    "logsigmoid log_softmax tanh celu selu rms_norm lp_pool2d channel_shuffle".split()
)
_ATTRIBUTES = frozenset(  # of tensors, of modules and of lists
    "weight bias shape dtype device ndim training running_mean running_var eps momentum groups stride padding "
    "dilation kernel_size in_channels out_channels in_features out_features num_features normalized_shape modules "
    "children named_modules parameters named_parameters append extend items values keys abs add all amax amin any "
    "bernoulli_ chunk clamp clip clone contiguous cos cumsum detach div div_ exp expand expand_as fill_ flatten flip "
    "float log log1p logsumexp matmul max maximum mean min minimum movedim mul mul_ narrow neg new_empty new_full "
    "new_ones new_zeros norm numel permute pow prod reciprocal relu reshape reshape_as roll rsqrt sigmoid sign sin "
    "size softmax softplus split sqrt square squeeze std sub sum swapaxes t tanh to transpose type_as unbind "
    "unflatten unsqueeze var view view_as zero_ repeat repeat_interleave masked_fill double".split()
)
_OF_SELF = frozenset("register_buffer register_parameter add_module get_parameter get_submodule _conv_forward".split())
_OTHERS_ATTRIBUTES = frozenset(  # of whatever a text can lay its hands on
    name
    for kind in (
        *(torch.Tensor, nn.Module, type, str, bytes, int, float, list, dict, tuple, set, range, torch.Size),
        *(types.GeneratorType, types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.FrameType),
        *(types.CodeType, types.ModuleType, torch.dtype, torch.device),
    )
    for name in dir(kind)
) | frozenset(("tofile", "tobytes", "dump", "dumps", "ctypes", "base"))  # and of NumPy's arrays


def find_foreign_code(source: str, allow_imports: frozenset[str] = frozenset()) -> tuple[int, str] | None:
    """The line of the first thing in a text that no compiled module holds, and what it is; None if there is none.

    `allow_imports` names modules of the user's own. A text that is no Python is told where it is executed.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return next(_Reader(tree, allow_imports).read(), None)


class _Reader:
    def __init__(self, tree: ast.Module, allow_imports: frozenset[str]) -> None:
        self.tree, self.allow_imports = tree, allow_imports
        self.owners = {id(node.value): node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        self.methods = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        self.stored = {  # the names of layers and buffers
            node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        } | {
            node.args[0].value
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str)
        }

    def read(self) -> Iterator[tuple[int, str]]:
        """Everything foreign, with its line."""
        for statement in self.tree.body:
            yield from self.read_statement(statement, in_class=False)

    def read_statement(self, node: ast.stmt, in_class: bool) -> Iterator[tuple[int, str]]:
        """A statement of the module or of a class."""
        if isinstance(node, ast.ClassDef) and not in_class:
            if node.keywords or node.decorator_list:
                yield node.lineno, f"class {node.name} with keywords or decorators"
            yield from self.check_name(node, node.name)
            for base in node.bases:
                yield from self.read_expression(base, frozenset())
            for statement in node.body:
                yield from self.read_statement(statement, in_class=True)
        elif isinstance(node, ast.FunctionDef):
            yield from self.read_function(node, in_class)
        elif isinstance(node, ast.Import | ast.ImportFrom) and not in_class:
            yield from self.read_import(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr | ast.Pass):
            yield from self.read_expression(node, frozenset())
        else:
            yield node.lineno, f"`{type(node).__name__}`"

    def read_import(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[int, str]]:
        module = node.module or "." if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            name = module or alias.name
            if any(name == allowed or name.startswith(f"{allowed}.") for allowed in self.allow_imports):
                yield from self.check_name(node, alias.asname or alias.name)
            elif name == "torch.nn" and module and alias.name[:1].isupper():
                yield from self.check_name(node, alias.asname or alias.name)
            elif name not in IMPORTS or (module and alias.name not in IMPORTS[name]):
                yield node.lineno, f"import of `{name}`"
            elif alias.asname not in (None, "F" if name == "torch.nn.functional" else None):
                yield node.lineno, f"`{name}` under another name"

    def read_function(self, node: ast.FunctionDef, in_class: bool) -> Iterator[tuple[int, str]]:
        if node.decorator_list or (in_class and node.name not in ("__init__", "forward")):
            yield node.lineno, f"the function `{node.name}`"
        if not in_class:
            yield from self.check_name(node, node.name)
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        arguments += [one for one in (node.args.vararg, node.args.kwarg) if one is not None]
        for number, argument in enumerate(arguments):
            if argument.arg != "self" or number or not in_class:
                yield from self.check_name(argument, argument.arg)
            if argument.annotation is not None:
                yield from self.read_expression(argument.annotation, frozenset())
        for outside in (*node.args.defaults, *node.args.kw_defaults, node.returns):
            if outside is not None:
                yield from self.read_expression(outside, frozenset())
        local = {argument.arg for argument in arguments}
        for inner in ast.walk(ast.Module(node.body, [])):
            if isinstance(inner, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
                yield inner.lineno, "a definition or an import in a function"
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                local.add(inner.id)
            if isinstance(inner, ast.comprehension):  # a name of its own scope may hide none of Python's
                names = {name.id for name in ast.walk(inner.target) if isinstance(name, ast.Name)}
                if names & vars(builtins).keys():
                    yield node.lineno, "a name of Python's in a comprehension"
        for statement in node.body:
            yield from self.read_expression(statement, frozenset(local))

    def read_expression(self, node: ast.AST, local: frozenset[str]) -> Iterator[tuple[int, str]]:
        """A statement or an expression, all of it; local: the names that a function binds."""
        for inner in ast.walk(node):
            line = getattr(inner, "lineno", getattr(node, "lineno", 1))
            if type(inner).__name__ not in _NODES:
                yield line, f"`{type(inner).__name__}`"
            elif isinstance(inner, ast.Name):
                if isinstance(inner.ctx, ast.Store):
                    yield from self.check_name(inner, inner.id)
                elif inner.id in _PACKAGES and id(inner) not in self.owners:
                    yield line, f"`{inner.id}` as a value"
                elif inner.id.startswith("__") or (
                    inner.id in vars(builtins) and inner.id not in _BUILTINS and inner.id not in local
                ):
                    yield line, f"`{inner.id}`"
            elif isinstance(inner, ast.Attribute) and not self.is_attribute(inner):
                yield line, f"`.{inner.attr}`"

    def check_name(self, node: ast.stmt | ast.expr | ast.arg, name: str) -> Iterator[tuple[int, str]]:
        """A name that is bound: none that could be taken for another thing."""
        is_python = name in vars(builtins) and not isinstance(node, ast.arg | ast.Name)
        if name.startswith("__") or name in _MODULE_NAMES or is_python:
            yield node.lineno, f"another `{name}`"

    def is_attribute(self, node: ast.Attribute) -> bool:
        """Whether an attribute is one of a layer, of a tensor or of the parts of torch that modules use."""
        owner, name = node.value, node.attr
        if isinstance(owner, ast.Call) and isinstance(owner.func, ast.Name) and owner.func.id == "super":
            return not owner.args and name in ("__init__", "forward")
        if name.startswith("_") and name not in _OF_SELF:
            return False
        if isinstance(owner, ast.Name) and owner.id in _PACKAGES:
            return {
                "torch": name in _TORCH or (name == "linalg" and self.owners.get(id(node)) == "vector_norm"),
                "nn": name[0].isupper()
                or (name == "init" and self.owners.get(id(node), "").endswith("_"))
                or (name == "functional" and self.owners.get(id(node)) in _FUNCTIONAL),
                "F": name in _FUNCTIONAL,
                "math": True,
            }[owner.id]
        if isinstance(owner, ast.Attribute) and isinstance(owner.value, ast.Name) and owner.value.id in _PACKAGES:
            if owner.attr == "functional":
                return name in _FUNCTIONAL
            if owner.attr in ("init", "linalg"):
                return name == "vector_norm" or (owner.attr == "init" and hasattr(nn.init, name))
        if (
            isinstance(owner, ast.Name)
            and owner.id == "self"
            and (name in _OF_SELF or name in self.methods or name in self.stored)
        ):
            return not hasattr(types.GeneratorType, name) and name not in (
                "numpy",
                "compile",
                "apply",
                "apply_",
                "map_",
            )
        return name in _ATTRIBUTES or (
            name in self.stored and name not in self.methods and name not in _OTHERS_ATTRIBUTES
        )
