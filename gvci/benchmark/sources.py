"""Which code a result depends on: all that its module imports, directly or not, as one hash.

The hash is of the syntax, without docstrings: a comment or a sentence of help costs no rerun.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import gvci

ROOT = Path(gvci.__file__).parent
# What only speaks of results, or judges networks of genes.
UNJUDGED = ("gvci.errors", "gvci.edges.recovery", "gvci.verdict")


@cache
def code_hash(*modules: str, besides: tuple[str, ...] = ()) -> str:
    """Sixteen hex digits for modules of gvci and all of gvci that they need.

    Args:
        modules: dotted names.
        besides: modules or packages that the result does not depend on, though they are imported.
    """
    digest = hashlib.sha256()
    for name in sorted(needed(*modules, besides=besides)):
        digest.update(f"{name}\n{_syntax(name)}\n".encode())
    return digest.hexdigest()[:16]


def needed(*modules: str, besides: tuple[str, ...] = ()) -> set[str]:
    """The modules and every module of gvci that they import, within functions too."""
    left_out = (*UNJUDGED, *besides)
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        outside = any(name == other or name.startswith(f"{other}.") for other in left_out)
        if name not in found and not outside and _file(name) is not None:
            found.add(name)
            waiting += _imported(name)
    return found


def _file(module: str) -> Path | None:
    """Where a module of gvci is; None for other names."""
    first, *rest = module.split(".")
    if first != "gvci" or not rest:
        return None
    path = ROOT.joinpath(*rest)
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return file
    return None


@cache
def _tree(module: str) -> ast.Module:
    file = _file(module)
    assert file is not None
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def _imported(module: str) -> tuple[str, ...]:
    """Dotted names that a module may mean by its imports."""
    names: list[str] = []
    for node in _running(_tree(module)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(names)


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below, but what only a type checker sees."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
            yield child
            yield from _running(child)


@cache
def _syntax(module: str) -> str:
    """The module's syntax tree in words, without docstrings."""
    tree = ast.parse(ast.unparse(_tree(module)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:]
    return ast.dump(tree)
