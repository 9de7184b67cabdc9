"""The house keeps its plan: arrows, banned calls, docstrings, public names, sizes."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# A module may import from its own row and from rows above it. A package counts as a whole.
TIERS = (
    ("errors",),
    ("config", "atomic", "devices", "home", "progress", "spreadsheet"),
    ("grn", "data"),
    ("recipe", "likelihoods", "packing", "checkpoint", "unfinished", "pseudobulk", "metrics"),
    ("refiner", "model", "networks", "baselines", "kriging"),
    ("effects", "edges", "verdict", "estimator"),
    ("coexpression", "priors"),
    ("gate", "prediction"),
    ("training",),
    ("run",),
    ("evaluation",),
    ("making",),
    ("benchmark",),
    ("registry", "scoreboards", "model_card", "crossfit", "launch"),
    ("counterfactual",),
    ("jobs",),
    ("workspaces",),
    ("commands",),
    ("cli",),
    ("shipped",),
    ("__main__",),
)
RANK = {name: rank for rank, tier in enumerate(TIERS) for name in tier}

PUBLIC = [
    "GRN",
    "GraphVCI",
    "GvciError",
    "PerturbationData",
    "PrepareSettings",
    "RefineSettings",
    "RefinedGRN",
    "RelationRefiner",
    "Run",
    "TrainSettings",
    "evaluate",
    "evaluate_edges",
    "marginal_effects",
    "prepare",
    "refine",
    "simulate",
    "train",
]


def files(*folders: str) -> list[Path]:
    """Python files of the repository below these folders or of these names."""
    found: list[Path] = []
    for folder in folders:
        path = ROOT / folder
        found += [path] if path.is_file() else sorted(path.rglob("*.py"))
    return found


GVCI = files("gvci")
STARTERS = files("app.py", "dashboard.py")
PARTS = files("pages/parts")
PAGES = [path for path in files("pages") if path not in PARTS]
SHIPPED = [*GVCI, *PAGES, *PARTS, *STARTERS, *files("benchmarks", "docs", "story")]
EVERYTHING = [*SHIPPED, *files("tests")]


def name(path: Path) -> str:
    """Path from the root, for messages."""
    return path.relative_to(ROOT).as_posix()


def module(path: Path) -> str:
    """Dotted name: gvci/data/h5ad.py is gvci.data.h5ad."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def running(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below, but what only a type checker sees."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from running(child)


def imported(path: Path) -> set[str]:
    """Dotted names that the file imports, within functions too; gvci's own as modules."""
    known = {module(p) for p in GVCI}
    found: set[str] = set()
    for node in running(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)} imports relatively: say gvci.…"
            base = node.module or ""
            inner = {f"{base}.{alias.name}" for alias in node.names}
            found |= (inner & known) or {base}
    return found


def row(dotted: str) -> str:
    """gvci.data.h5ad stands in the row of data."""
    return dotted.split(".")[1]


def test_every_module_has_a_place_in_the_order() -> None:
    rows = {row(module(p)) for p in GVCI if "." in module(p)} - {"app"}
    assert rows <= set(RANK), f"add {sorted(rows - set(RANK))} to TIERS, where the plan has it"


def test_imports_point_to_earlier_rows_only() -> None:
    wrong = [
        f"{name(path)} imports {other}"
        for path in GVCI
        if "." in module(path) and row(module(path)) != "app"
        for other in imported(path)
        if other.startswith("gvci.") and RANK.get(row(other), 99) > RANK[row(module(path))]
    ]
    assert not wrong


def test_the_science_never_imports_the_app() -> None:
    wrong = [
        name(path)
        for path in GVCI
        if not module(path).startswith("gvci.app")
        and any(other.startswith("gvci.app") for other in imported(path))
    ]
    assert not wrong


def test_modules_do_not_import_each_other_in_circles() -> None:
    arrows = {module(p): {o for o in imported(p) if o.startswith("gvci.")} for p in GVCI}
    arrows.pop("gvci", None)
    done: set[str] = set()

    def visit(at: str, path: tuple[str, ...]) -> None:
        assert at not in path, " → ".join((*path[path.index(at) :], at))
        if at not in done:
            for other in arrows.get(at, ()):
                visit(other, (*path, at))
            done.add(at)

    for start in arrows:
        visit(start, ())


def test_streamlit_is_imported_in_one_file_below_gvci() -> None:
    users = {
        name(path) for path in GVCI if any(o.split(".")[0] == "streamlit" for o in imported(path))
    }
    assert users <= {"gvci/app/session.py"}


def test_pages_import_streamlit_the_app_their_parts_and_the_standard_library_only() -> None:
    allowed = {"streamlit", *sys.stdlib_module_names}
    wrong = [
        f"{name(path)} imports {other}"
        for path in [*PAGES, *PARTS, *STARTERS]
        for other in imported(path)
        if other.split(".")[0] not in allowed and not other.startswith(("gvci.app", "pages.parts"))
    ]
    assert not wrong


def test_gvci_knows_of_no_page() -> None:
    assert not [name(path) for path in GVCI if any("pages" in o.split(".") for o in imported(path))]


def of_parts(path: Path) -> Iterator[str]:
    """The parts of pages that a file imports."""
    for node in running(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module == "pages.parts":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pages.parts."):
            yield node.module or ""


def test_every_part_is_part_of_something() -> None:
    used = {module.split(".")[-1] for path in [*PAGES, *PARTS] for module in of_parts(path)}
    assert used == {path.stem for path in PARTS} - {"__init__"}


def test_a_page_is_read_at_a_glance() -> None:
    lengths = {name(p): len(p.read_text(encoding="utf-8").splitlines()) for p in [*PAGES, *PARTS]}
    assert not {path: lines for path, lines in lengths.items() if lines > 150}


def test_pages_hold_no_class() -> None:
    classes = [
        f"{name(path)}: {node.name}"
        for path in [*PAGES, *PARTS, *STARTERS]
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
    ]
    assert not classes


def test_foreign_files_come_in_by_one_door() -> None:
    wrong = []
    for path in SHIPPED:
        # One reads the head of what `prepare` wrote, one writes large matrices into it.
        ours = module(path) in ("gvci.data.size", "gvci.data.laid")
        if module(path).startswith("gvci.data.door") or ours:
            continue
        for node in ast.walk(tree(path)):
            names = {getattr(node, "attr", None), getattr(node, "id", None)}
            if isinstance(node, ast.alias):
                names |= {node.name.split(".")[0], node.name}
            if isinstance(node, ast.ImportFrom):
                names.add((node.module or "").split(".")[0])
            if names & {"read_h5ad", "h5py"}:
                wrong.append(name(path))
    assert not wrong


BANNED_MODULES = {
    "pickle",
    "cPickle",
    "_pickle",
    "dill",
    "cloudpickle",
    "joblib",
    "shelve",
    "marshal",
}
BANNED_ATTRIBUTES = {
    "torch.load",
    "torch.save",
    "components.v1",
    "pd.read_pickle",
    "pandas.read_pickle",
    "os.system",
}


def faults(source: ast.Module) -> Iterator[str]:
    """What occurs nowhere: code from data, raw HTML, deprecated components."""
    for node in ast.walk(source):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec", "compile"):
                yield f"{node.func.id}()"
            for keyword in node.keywords:
                value = getattr(keyword.value, "value", None)
                if (
                    keyword.arg in ("unsafe_allow_html", "allow_pickle", "shell")
                    and value is not False
                ):
                    yield f"{keyword.arg}="
        elif isinstance(node, ast.Attribute):
            dotted = ast.unparse(node)
            if dotted in BANNED_ATTRIBUTES or dotted.endswith("components.v1"):
                yield dotted
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in BANNED_MODULES or "components.v1" in alias.name:
                    yield f"import {alias.name}"
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            dotted_names = {base, *(f"{base}.{alias.name}" for alias in node.names)}
            if base.split(".")[0] in BANNED_MODULES or any(
                d in BANNED_ATTRIBUTES or d.endswith("components.v1") for d in dotted_names
            ):
                yield f"from {base} import"


def test_banned_calls_occur_nowhere() -> None:
    wrong = [f"{name(path)}: {fault}" for path in SHIPPED for fault in faults(tree(path))]
    assert not wrong


@pytest.mark.parametrize(
    "code",
    [
        "import torch\ntorch.load('a')",
        "from torch import load",
        "import pickle",
        "from pickle import loads",
        "eval('1')",
        "exec('1')",
        "st.markdown('x', unsafe_allow_html=True)",
        "st.markdown('x', unsafe_allow_html=flag)",
        "import streamlit.components.v1 as components",
        "from streamlit.components import v1",
        "st.components.v1.html('x')",
        "np.load('a', allow_pickle=True)",
    ],
)
def test_the_ban_itself_sees_each(code: str) -> None:
    assert list(faults(ast.parse(code)))


def test_the_ban_lets_pass_what_is_harmless() -> None:
    code = "model.eval()\nre.compile('a')\nst.markdown('x', unsafe_allow_html=False)"
    assert not list(faults(ast.parse(code)))


def test_every_module_says_what_it_is() -> None:
    silent = [
        name(path)
        for path in EVERYTHING
        if path.read_text(encoding="utf-8").strip() and not ast.get_docstring(tree(path))
    ]
    assert not silent


def test_public_functions_and_classes_of_gvci_have_docstrings() -> None:
    def undocumented(body: list[ast.stmt], within: str) -> Iterator[str]:
        for node in body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            if not ast.get_docstring(node):
                yield f"{within}: {node.name}"
            if isinstance(node, ast.ClassDef):
                yield from undocumented(node.body, f"{within}: {node.name}")

    assert not [fault for path in GVCI for fault in undocumented(tree(path).body, name(path))]


def test_no_file_is_long() -> None:
    lengths = {name(p): len(p.read_text(encoding="utf-8").splitlines()) for p in EVERYTHING}
    assert not {path: lines for path, lines in lengths.items() if lines > 400}
    assert lengths.get("app.py", 0) < 80


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_public_names_are_pinned_and_load() -> None:
    import gvci

    assert sorted(gvci.__all__) == sorted(PUBLIC)
    assert all(getattr(gvci, public) is not None for public in PUBLIC)


def test_importing_gvci_loads_nothing_heavy() -> None:
    heavy = ("torch", "torch_geometric", "scanpy", "streamlit", "anndata", "sklearn", "numpy")
    code = f"import gvci, sys; print([m for m in {heavy!r} if m in sys.modules])"
    assert python(code) == "[]"
