"""The documents name what there is: paths, links, options, variables, pages."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit import config

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
NAMES = [document.relative_to(ROOT).as_posix() for document in DOCUMENTS]
OURS = ("gvci", "pages", "tests", "docs", "benchmarks", "pretrained", "assets")
# What a command makes.
MADE = ("docs/api",)
CODE = [*ROOT.glob("*.py"), *(p for top in OURS for p in (ROOT / top).rglob("*.py"))]


def text(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(document: str, *kinds: str) -> Iterator[str]:
    """What stands in the fenced blocks of these languages."""
    for kind, body in re.findall(
        r"^```(\w*)\n(.*?)^```$", text(document), re.MULTILINE | re.DOTALL
    ):
        if kind in kinds:
            yield body


def there(path: str) -> bool:
    """A file or folder, or a module named without its ending; NAME stands for any."""
    if path.rstrip("/") in MADE:
        return True
    pattern = re.sub(r"NAME", "*", path.rstrip("/"))
    return any(list(ROOT.glob(pattern + end)) for end in ("", ".py"))


def headings(document: Path) -> set[str]:
    """The anchors that a document has, as GitHub makes them."""
    lines = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("document", NAMES)
def test_every_path_is_there(document: str) -> None:
    quoted = re.findall(
        r"`((?:[\w.-]+/)+[\w.*-]*|[A-Z]+\.md|[\w-]+\.(?:py|cff|toml|txt))`", text(document)
    )
    wrong = [
        path
        for path in quoted
        if not there(path) and (path.split("/")[0] in OURS or re.fullmatch(r"[A-Z]+\.md", path))
    ]
    assert not wrong


@pytest.mark.parametrize("document", NAMES)
def test_every_link_leads_somewhere(document: str) -> None:
    wrong = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text(document)):
        if re.match(r"[a-z]+:", link):
            assert link.startswith("https://"), link
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        if not target.exists() or (anchor and anchor not in headings(target)):
            wrong.append(link)
    assert not wrong


def test_the_tree_of_the_readme_is_there() -> None:
    tree = next(body for body in blocks("README.md", "") if "gvci/" in body)
    parents, wrong = {0: ROOT}, []
    for line in tree.splitlines():
        if (indent := len(line) - len(line.lstrip())) not in (0, 2):
            continue  # the rest of a sentence
        first = re.split(r" {2,}", line.strip())[0]
        for word in first.split(", "):
            path = parents[indent] / word
            if not path.exists():
                wrong.append(word)
            parents[2] = path if indent == 0 else parents[2]
    assert not wrong


def test_what_docstrings_refer_to_is_there() -> None:
    kinds = "py|md|toml|json|parquet"
    pattern = rf"(?<![\w/.])(?:{'|'.join(OURS)})/[\w/.-]+\.(?:{kinds})\b"
    wrong = {
        f"{file.relative_to(ROOT)}: {path}"
        for file in CODE
        if file.is_relative_to(ROOT / "gvci")
        for path in re.findall(pattern, file.read_text(encoding="utf-8"))
        if not there(path)
    }
    assert not wrong


def test_options_of_streamlit_exist() -> None:
    known = set(config.get_config_options())
    for document in NAMES:
        for option in re.findall(r"--((?:server|browser|client|secrets)\.\w+)", text(document)):
            assert option in known, (document, option)


def test_variables_of_the_documents_are_those_of_the_code() -> None:
    used = {
        name
        for file in CODE
        if file.is_relative_to(ROOT / "gvci")
        for name in re.findall(r"\bGVCI_[A-Z_]+\b", file.read_text(encoding="utf-8"))
    }
    rows = set(re.findall(r"^\| `(GVCI_[A-Z_]+)` \|", text("docs/running.md"), re.MULTILINE))
    assert rows == used
    for document in set(NAMES) - {"CONTRIBUTING.md"}:
        assert set(re.findall(r"\bGVCI_[A-Z_]+\b", text(document))) <= used, document


@pytest.mark.parametrize("document", NAMES)
def test_shell_and_toml_are_well_formed(document: str) -> None:
    for body in blocks(document, "sh", "bash"):
        done = subprocess.run(
            ["bash", "-n"], input=body, capture_output=True, text=True, check=False
        )
        assert not done.stderr, body
    for body in blocks(document, "toml"):
        assert tomllib.loads(body)


def test_commands_of_the_documents_are_understood() -> None:
    from gvci.cli import parser

    for document in NAMES:
        for body in blocks(document, "sh", "bash"):
            joined = body.replace("\\\n", " ")
            for words in re.findall(r"(?:python|-m) (?:-m )?gvci ([^#|&\n]+)", joined):
                given = [w.strip("'\"") for w in re.findall(r'"[^"]*"|\'[^\']*\'|\S+', words)]
                given = ["1" if w.startswith("$") else w for w in given]
                try:
                    parser().parse_args(given)
                except SystemExit as end:
                    pytest.fail(f"{document}: {words} ({end.code})")


def test_every_page_is_walked_by_the_accessibility_test() -> None:
    pages = {path.stem for path in (ROOT / "pages").glob("*.py")} - {"home", "__init__"}
    walked = text("tests/browser/test_accessibility.py")
    assert not [name for name in pages if not re.search(rf'"{name}["?]', walked)]


def test_targets_of_make_are_there() -> None:
    targets = set(re.findall(r"^([\w-]+):", text("Makefile"), re.MULTILINE))
    for document in NAMES:
        for target in re.findall(r"`make ([\w-]+)", text(document)):
            assert target in targets, (document, target)
