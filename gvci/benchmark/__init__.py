"""One benchmark: models × datasets × holdouts × seeds, one tidy table, one report.

spec.py       what is compared, from TOML          compare.py   paired differences
problems.py   cells, what is held out, prior       verdicts.py  the same in words
parts.py      the grid, and its files              table1.py, epochs.py, report.py
work.py       one part, by heldout.py (table 1),   tidy.py      the Parquet
              marginal.py (table 2) or             sources.py   which code a part depends on
              curves.py (figure 6a)                engines.py   processes, or Ray
"""

from gvci.benchmark.run import Answer, run_benchmark

__all__ = ["Answer", "run_benchmark"]
