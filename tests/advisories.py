"""Known weaknesses of what is installed: `make check` asks the advisory database, where it can.

Weaknesses are told, and end the check only where GVCI_AUDIT=strict: an advisory of tonight is no
fault of today's change.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

COMMAND = (sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "--format", "json")
SECONDS = 120


def ask(service: str) -> list[dict]:
    """Every package and what is known against it; empty where the database does not answer."""
    try:
        done = subprocess.run(
            [*COMMAND, "--vulnerability-service", service], capture_output=True, timeout=SECONDS
        )
        packages = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return []
    return [package for package in packages if "vulns" in package]


def report(packages: list[dict]) -> tuple[list[str], bool]:
    """What to print, and whether all is well."""
    if not packages:
        return [
            "The advisory database cannot be reached from here: known weaknesses of the installed "
            "packages were not looked up. Run `make check` where there is internet."
        ], True
    known = [(package, weak) for package in packages for weak in package["vulns"]]
    lines = [f"{len(packages):,} packages were looked up, {len(known):,} weaknesses are known."]
    for package, weak in known:
        repaired = ", ".join(weak.get("fix_versions", [])) or "no version yet"
        lines.append(
            f"{package['name']} {package['version']}: {weak['id']}, repaired in {repaired}."
        )
    return lines, not known


def main() -> int:
    """Ask, print; 1 where weaknesses are known and GVCI_AUDIT=strict."""
    lines, well = report(ask("pypi") or ask("osv"))
    print("\n".join(lines))
    return int(not well and os.environ.get("GVCI_AUDIT") == "strict")


if __name__ == "__main__":
    sys.exit(main())
