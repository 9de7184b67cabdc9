"""The catalogue's records: what each named file is, where it comes from, and its licence.

Facts about files that were not at hand (size, cells, genes, checksum) are left empty: where no
checksum is published, the first download records one and later ones must match it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["dataset", "prior", "truth", "genes"]


@dataclass(frozen=True)
class CatalogueEntry:
    """One named thing.

    Attributes:
        kinds: what it serves as; a network may be a prior and a truth.
        file: name in GVCI_DATA_DIR and in the cache; empty where gvci simulates it.
        size: bytes; cells, genes: of a dataset. None where not known.
        may_ship: the licence lets this project carry it.
        urls: direct downloads, tried in order; empty where it must be fetched by hand.
        source: page or accession where it comes from.
        columns: perturbation, control, covariates, real_covariates, dose, as in PrepareSettings.
        holdout, ood: what to hold out where the user does not say.
        sets: words that choose gene sets, or the databases of a joined table.
    """

    name: str
    title: str
    about: str
    kinds: tuple[Kind, ...]
    file: str = ""
    size: int | None = None
    cells: int | None = None
    genes: int | None = None
    licence: str = ""
    may_ship: bool = False
    citation: str = ""
    urls: tuple[str, ...] = ()
    source: str = ""
    sha256: str | None = None
    aliases: tuple[str, ...] = ()
    columns: Mapping[str, Any] = field(default_factory=dict)
    holdout: tuple[str, ...] = ()
    ood: Literal["auto", "none"] | None = None
    simulated: bool = False
    sets: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        """What it serves as first."""
        return self.kinds[0]


PERTPY = "https://exampledata.scverse.org/pertpy/"
SCPERTURB = "https://zenodo.org/records/13350497/files/"
ENRICHR = "https://maayanlab.cloud/Enrichr/geneSetLibrary?mode=text&libraryName="
CELLORACLE = (
    "https://raw.githubusercontent.com/morris-lab/CellOracle/"
    "22b29abc469a361ce14e6249ca1413bb91e327fc/celloracle/data/promoter_base_GRN/"
)
BASE_GRN = "hg19_TFinfo_dataframe_gimmemotifsv5_fpr2_threshold_10_20210630.parquet"
KANG = "Kang et al. 2018, Nat Biotechnol 36:89, doi:10.1038/nbt.4042"
PAPALEXI = "Papalexi et al. 2021, Nat Genet 53:322, doi:10.1038/s41588-021-00778-2"
WU = "Wu et al. 2023, ICLR, arXiv:2210.00116"
PREPARED = "https://osf.io/5n2mz/"
SERGIO = "Dibaeinia & Sinha 2020, Cell Systems 11:252, doi:10.1016/j.cels.2020.08.003"
PEIDLI = "Peidli et al. 2024 (scPerturb), Nat Methods 21:531, doi:10.1038/s41592-023-02144-y"

DATASETS = (
    CatalogueEntry(
        "demo", "Demo (simulated)",
        "SIMULATED: interferon-γ-like pathway, 12 knock-outs and 2 over-expressions in three cell "
        "types and two donors, made here from a known network",
        ("dataset",), cells=4428, genes=300, licence="MIT", may_ship=True, simulated=True,
        columns={
            "perturbation": "perturbation", "control": "control",
            "covariates": ("cell_type", "donor"),
        },
        ood="auto",
    ),
    CatalogueEntry(
        "kang2018-ifnb", "Kang 2018, PBMC ± IFN-β (subset)",
        "Blood cells with and without interferon-β, 6 h; donors mostly unknown",
        ("dataset",), "kang2018_ifnb_seurat.h5ad", 4_933_104, 2708, 12_014,
        "subset redistributed with seuratTools (MIT) and scplotter (GPL-3)", False, KANG,
        source="GEO GSE96583", aliases=("kang", "kang2018"),
        sha256="4489ef0f8583e370e78b8df932566a4cd795eb2bcc32231c73c99370ae689dd7",
        columns={
            "perturbation": "perturbation", "control": "control", "covariates": ("cell_type",)
        },
        holdout=("cell_type=CD14+ Monocytes",),
    ),
    CatalogueEntry(
        "papalexi2021-eccite", "Papalexi 2021, ECCITE-seq, THP-1 + IFN-γ (299 genes)",
        "CRISPR knock-outs of 25 genes of the interferon-γ and PD-L1 pathways",
        ("dataset",), "papalexi2021_sceptre_20729x299.h5ad", 3_314_643, 20_729, 299,
        "redistributed with sceptredata (MIT)", False, PAPALEXI,
        source="GEO GSE153056", aliases=("papalexi", "papalexi2021"),
        sha256="3db34d0bfdd66af93edf370a9e3e31eeaae20fa63753f4f374b24c740b604b17",
        columns={"perturbation": "perturbation", "control": "control", "covariates": ("donor",)},
    ),
    CatalogueEntry(
        "sergio-ds1", "SERGIO DS1 knock-outs (simulated)",
        "SIMULATED with SERGIO: 10 TFs knocked out in three types. Control and knock-out runs are "
        "not exchangeable: for edges, not for held-out prediction",
        ("dataset",), "sergio_ds1_knockout_100g.h5ad", 1_770_924, 4950, 100,
        "simulated from a network of PayamDiba/SERGIO", False, SERGIO,
        source="https://github.com/PayamDiba/SERGIO", aliases=("sergio",),
        sha256="47d45eee59ed602c4cbab6686dd1c1b4e12a71b10e381ac9d5f145d909b8583a",
        columns={
            "perturbation": "perturbation", "control": "control", "covariates": ("cell_type",)
        },
        ood="none", simulated=True,
    ),
    CatalogueEntry(
        "kang2018-full", "Kang 2018, PBMC ± IFN-β (all cells)",
        "Blood cells of eight donors with and without interferon-β, 6 h",
        ("dataset",), "kang_2018.h5ad", None, 24_673, 15_706, "see GEO GSE96583", False, KANG,
        (PERTPY + "kang_2018.h5ad",), "GEO GSE96583",
        columns={"perturbation": "label", "control": "ctrl", "covariates": ("cell_type",)},
        holdout=("cell_type=CD14+ Monocytes",),
    ),
    CatalogueEntry(
        "papalexi2021-full", "Papalexi 2021, ECCITE-seq (RNA, all genes)",
        "The same screen with every measured gene, curated by scPerturb",
        ("dataset",), "PapalexiSatija2021_eccite_RNA.h5ad", licence="CC BY 4.0",
        citation=f"{PAPALEXI}; {PEIDLI}", source="https://zenodo.org/records/13350497",
        urls=(SCPERTURB + "PapalexiSatija2021_eccite_RNA.h5ad",),
        sha256="03e9602d124c261281936717d5795445805e6e704a52b0310bcde94225aa0929",
    ),
    CatalogueEntry(
        "norman2019", "Norman 2019, CRISPRa singles and pairs, K562",
        "Over-expression of genes alone and in pairs",
        ("dataset",), "norman_2019.h5ad", citation="Norman et al. 2019, Science 365:786",
        licence="see GEO GSE133344", source="GEO GSE133344", urls=(PERTPY + "norman_2019.h5ad",),
    ),
    CatalogueEntry(
        "sciplex3", "Srivatsan 2020, sci-Plex 3",
        "188 compounds at four doses in three cell lines; about 0.58 million cells",
        ("dataset",), "SrivatsanTrapnell2020_sciplex3.h5ad", licence="CC BY 4.0",
        citation=f"Srivatsan et al. 2020, Science 367:45; {PEIDLI}", source="GEO GSE139944",
        urls=(SCPERTURB + "SrivatsanTrapnell2020_sciplex3.h5ad",),
    ),
    CatalogueEntry(
        "sciplex", "Sciplex as graphVCI's authors prepared it",
        "188 compounds at four doses in three cell lines; 122 thousand cells, log-normalised",
        ("dataset",), "sciplex_prepped.h5ad", source=f"{PREPARED}, main/datasets",
        licence="see GEO GSE139944", citation="Srivatsan et al. 2020, Science 367:45",
        columns={
            "perturbation": "perturbation", "control": "Vehicle", "dose": "dose",
            "covariates": ("cell_type", "replicate"),
        },
        ood="auto",
    ),
    CatalogueEntry(
        "marson", "Marson (Schmidt 2022) as graphVCI's authors prepared it",
        "CRISPR activation of 73 genes in primary T cells, resting and restimulated",
        ("dataset",), "marson_prepped.h5ad", licence="see GEO GSE190604",
        citation="Schmidt et al. 2022, Science 375:eabj4008",
        source=f"{PREPARED}, main/datasets (raw: GEO GSE190604)",
        columns={
            "perturbation": "target", "control": "NTC", "covariates": ("stim_celltype", "donor")
        },
        ood="auto",
    ),
    CatalogueEntry(
        "l008", "L008 (Wu 2023) as graphVCI's authors prepared it",
        "CROP-seq knock-outs of 77 genes in CD4+ T cells. Its controls are the Cas9− cells: write "
        "'control' into their target_gene first",
        ("dataset",), "L008_prepped.h5ad", None, 139_564, 2048, "see OSF", citation=WU,
        source=f"{PREPARED}, main/datasets (raw: https://osf.io/a87cu/)",
        columns={
            "perturbation": "target_gene", "control": "control",
            "covariates": ("cell_type", "donor"),
        },
        ood="auto",
    ),
)  # fmt: skip

NETWORKS = (
    CatalogueEntry(
        "demo-prior", "Demo prior (simulated)",
        "SIMULATED: the demo's true network with 30 % of the edges dropped and as many false added",
        ("prior",), licence="MIT", may_ship=True, simulated=True, aliases=("demo",),
    ),
    CatalogueEntry(
        "demo-truth", "Demo truth (simulated)", "SIMULATED: the signed network behind the demo",
        ("truth",), licence="MIT", may_ship=True, simulated=True,
    ),
    CatalogueEntry(
        "dorothea", "DoRothEA promoter motifs",
        "Human promoter-motif edges (JASPAR, HOCOMOCO); 317,786 edges",
        ("prior",), "grn_prior_dorothea_tfbs_motif.parquet", 723_104, licence="GPL-3",
        citation="Garcia-Alonso et al. 2019, Genome Res 29:1363",
        source="https://github.com/saezlab/dorothea", aliases=("dorothea-motif",),
        sha256="d33ebe8b100320cf2335f0e06663cf20bbb489f0e481afafac5f3501a7b36b2d",
    ),
    CatalogueEntry(
        "celloracle-promoter", "CellOracle promoter base GRN (hg19)",
        "The paper's base network: motif hits in human promoters. Academic use only",
        ("prior",), BASE_GRN, 5_520_100,
        licence="CellOracle licence: NON-COMMERCIAL ACADEMIC use; never shipped",
        citation="Kamimoto et al. 2023, Nature 614:742",
        urls=(CELLORACLE + BASE_GRN,), source="https://github.com/morris-lab/CellOracle",
        sha256="2be7c71cc37906805e8fdc8a717f4d31406e1b0b566cbfcc1564acddbc0caa8c",
    ),
    CatalogueEntry(
        "collectri", "CollecTRI", "Signed human TF → target edges from twelve resources",
        ("prior", "truth"), "collectri_human.csv.gz", 190_390, licence="GPL-3",
        citation="Müller-Dott et al. 2023, Nucleic Acids Res 51:10934",
        source="https://github.com/saezlab/CollecTRI",
        sha256="4b91b5c9005c4e20ed4ca2cc37f6007b94affc0abba663bb92b47de906bcc695",
    ),
    CatalogueEntry(
        "trrust", "TRRUST v2", "Signed human TF → target edges read from papers",
        ("prior", "truth"), "trrust_v2_human.tsv.gz", 87_178, licence="CC BY-SA 4.0",
        citation="Han et al. 2018, Nucleic Acids Res 46:D380", aliases=("trrust-v2",),
        source="https://www.grnpedia.org/trrust/",
        sha256="7bba88e678952759cbdbc381995098b3600409caf0e13556e58f52950fb86654",
    ),
    CatalogueEntry(
        "trrust-online", "TRRUST v2 (its own server)", "TRRUST v2 as its authors serve it",
        ("prior", "truth"), "trrust_rawdata.human.tsv", licence="CC BY-SA 4.0",
        citation="Han et al. 2018, Nucleic Acids Res 46:D380",
        urls=("https://www.grnpedia.org/trrust/data/trrust_rawdata.human.tsv",),
    ),
    CatalogueEntry(
        "chea2015", "ChEA 2015", "ChIP target sets; the human ones, joined per TF",
        ("truth", "prior"), "ChEA_2015.gmt.gz", 1_640_000, licence="MaayanLab, see Enrichr",
        citation="Lachmann et al. 2010, Bioinformatics 26:2438", aliases=("chea",),
        source="https://maayanlab.cloud/Enrichr",
        sha256="ae20d488564daa94fe936fc96208cc0dcbcf4f3d830566bb61aa92f239bacb9b",
    ),
    CatalogueEntry(
        "chea2016", "ChEA 2016", "ChIP target sets (HGNC names); the human ones, joined per TF",
        ("truth", "prior"), "ChEA_2016_hgnc_chea3.gmt.gz", 1_047_650,
        licence="MaayanLab, see Enrichr", source="https://maayanlab.cloud/chea3",
        citation="Lachmann et al. 2010, Bioinformatics 26:2438",
        sha256="dddca1a85c429ab1d85105b815f391c923ba8a7737abcf8eab1a22bdf7673415",
    ),
    CatalogueEntry(
        "chea2022", "ChEA 2022", "ChIP target sets; the human ones, joined per TF",
        ("truth", "prior"), "ChEA_2022.gmt", licence="MaayanLab, see Enrichr",
        citation="Lachmann et al. 2010, Bioinformatics 26:2438",
        urls=(ENRICHR + "ChEA_2022",), source="https://maayanlab.cloud/Enrichr",
    ),
    CatalogueEntry(
        "stat1-irf1", "STAT1 and IRF1 targets, seven databases",
        "Every target named by ChEA, CollecTRI, ENCODE, ReMap, TRRUST or TF knock-outs, joined",
        ("truth",), "truth_STAT1_IRF1_targets.tsv.gz", 70_439,
        licence="derived from its sources", aliases=("stat1-irf1-all",),
        sha256="efce55ce95becfc1b54a5aba83bd5a4149adba3048191fa9e73afb26ef533da3",
    ),
    CatalogueEntry(
        "stat1-irf1-curated", "STAT1 and IRF1 targets, ChEA, CollecTRI and TRRUST",
        "The same table without ENCODE, ReMap and TF knock-outs",
        ("truth",), "truth_STAT1_IRF1_targets.tsv.gz", 70_439,
        licence="derived from its sources",
        sha256="efce55ce95becfc1b54a5aba83bd5a4149adba3048191fa9e73afb26ef533da3",
        sets=("ChEA", "CollecTRI", "TRRUST"),
    ),
    CatalogueEntry(
        "sergio-ds1-truth", "SERGIO DS1 network (simulated)",
        "SIMULATED: the signed network behind sergio-ds1, 258 edges",
        ("truth",), "sergio_ds1_knockout_100g_true_grn.csv", 3190,
        licence="from PayamDiba/SERGIO", citation=SERGIO, simulated=True,
        source="https://github.com/PayamDiba/SERGIO",
        aliases=("sergio-ds1",),
        sha256="3a430e1e29d2e326792773997d7c64b13e5c30e13da86e6b7420e7c5ffce5ae4",
    ),
)  # fmt: skip

HALLMARK = "4803c09aae50bbd96d53fc681bd5545a4c89278993c15145dd7b7c994f893516"
GENE_SETS = (
    CatalogueEntry(
        "hallmark", "MSigDB hallmark sets v7.0", "Fifty gene sets, all their genes",
        ("genes",), "h.all.v7.0.symbols.gmt", 48_334, licence="MSigDB (CC BY 4.0)",
        citation="Liberzon et al. 2015, Cell Systems 1:417", sha256=HALLMARK,
        source="https://www.gsea-msigdb.org",
    ),
    CatalogueEntry(
        "hallmark-interferon", "MSigDB hallmark interferon responses",
        "The genes of the interferon-α and interferon-γ response sets",
        ("genes",), "h.all.v7.0.symbols.gmt", 48_334, licence="MSigDB (CC BY 4.0)",
        citation="Liberzon et al. 2015, Cell Systems 1:417", sha256=HALLMARK,
        source="https://www.gsea-msigdb.org", sets=("interferon",),
    ),
)  # fmt: skip

ENTRIES: tuple[CatalogueEntry, ...] = DATASETS + NETWORKS + GENE_SETS
