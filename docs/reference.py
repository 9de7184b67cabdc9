"""The reference as web pages, from docstrings and the command line's own help: `make docs`.

python -m docs.reference FOLDER. A docstring that cannot be rendered ends it; nothing is fetched,
neither here nor by the pages.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import warnings
from pathlib import Path
from types import ModuleType

import pdoc.doc
import pdoc.render

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("method", "tutorial")  # documents that stand beside the reference
START = """# gvci

What gvci does, for those who program with it or type its verbs; version {version}.

- [The public names](gvci.html): data, networks, models, effects, scores, settings
- [The errors](gvci/errors.html) that they raise, each one sentence for the user
- [The verbs of the command line](verbs.html): `python -m gvci …`, each with all its options
- [The method](method.html): symbols, equations, protocol, scores, and where the presets differ
- [A tutorial](tutorial.html): from an own h5ad and an own edge list to effects with intervals
"""


def page(name: str, text: str) -> pdoc.doc.Module:
    """A document of our own in the reference's frame."""
    module = ModuleType(name, text)
    module.__dict__["__docformat__"] = "markdown"
    return pdoc.doc.Module(module)


def document(name: str, folder: Path) -> str:
    """A markdown file of docs/, its links as they are seen from the reference's folder."""
    up = os.path.relpath(ROOT / "docs", folder)

    def seen(link: re.Match[str]) -> str:
        stem = link[1].removesuffix(".md")
        return f"]({stem}.html" if stem in PAGES else f"]({up}/{link[1]}"

    text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    return re.sub(r"\]\((?![a-z]+:|#)([^)\s#]+)", seen, text)


def verbs() -> str:
    """Every verb with the help that it prints."""
    from gvci.cli import parser

    os.environ["COLUMNS"] = "86"
    top = parser()
    actions = [a for a in top._actions if isinstance(a, argparse._SubParsersAction)]
    parts = ["# Verbs", "Settings of `--set key=value` are in", "[gvci](gvci.html).", ""]
    for verb, one in actions[0].choices.items():
        text = one.format_help().replace("usage: gvci", "python -m gvci")
        parts += [f"## {verb}", "```text", text.strip(), "```", ""]
    return "\n".join(parts)


def build(folder: Path) -> None:
    """Write the pages to the folder; a warning is an error."""
    import gvci.errors

    for name in gvci.__all__:  # they load when first asked for
        getattr(gvci, name)
    pdoc.render.configure(
        docformat="google",
        include_undocumented=False,
        show_source=False,
        search=False,
        template_directory=ROOT / "docs" / "template",
        footer_text=f"gvci {gvci.__version__}",
    )
    pages = {"index": page("index", START.format(version=gvci.__version__))}
    pages |= {module.__name__: pdoc.doc.Module(module) for module in (gvci, gvci.errors)}
    pages["verbs"] = page("verbs", verbs())
    pages |= {name: page(name, document(name, folder)) for name in PAGES}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, module in pages.items():
            html = pdoc.render.html_module(module, pages)
            file = folder / f"{name.replace('.', '/')}.html"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(html, encoding="utf-8")


if __name__ == "__main__":
    build(Path(sys.argv[1]).resolve())
