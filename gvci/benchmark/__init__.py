"""One benchmark: models × datasets × holdouts × seeds, one tidy table, one report.

spec.py       what is compared, from TOML          compare.py   paired differences
problems.py   cells, what is held out, prior       verdicts.py  the same in words
parts.py      the grid, and its files              table1.py, epochs.py, report.py
work.py       one part, by heldout.py (table 1),   words.py     how figures are written
              marginal.py (table 2) or             paper.py     what the paper prints
              curves.py (figure 6a)                tidy.py      the Parquet
watched.py    a training seen epoch by epoch       sources.py   which code a part depends on
run.py        the whole                            engines.py   processes, or Ray
"""

from gvci.benchmark.run import Answer, run_benchmark

__all__ = ["Answer", "run_benchmark"]
