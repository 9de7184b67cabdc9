"""The catalogue's datasets.

Facts about files that were not at hand (size, cells, genes, checksum) are from their public
records or left empty: the first download records a checksum, and later ones must match it.
Where no direct address is known, the entry says where the file is to be had.
"""

from gvci.data.entry import CatalogueEntry

PERTPY = "https://exampledata.scverse.org/pertpy/"
SCPERTURB = "https://zenodo.org/records/13350497/files/"
KANG = "Kang et al. 2018, Nat Biotechnol 36:89, doi:10.1038/nbt.4042"
PAPALEXI = "Papalexi et al. 2021, Nat Genet 53:322, doi:10.1038/s41588-021-00778-2"
SERGIO = "Dibaeinia & Sinha 2020, Cell Systems 11:252, doi:10.1016/j.cels.2020.08.003"
PEIDLI = "Peidli et al. 2024 (scPerturb), Nat Methods 21:531, doi:10.1038/s41592-023-02144-y"
ADAMSON = "Adamson et al. 2016, Cell 167:1867, doi:10.1016/j.cell.2016.11.048"
REPLOGLE = "Replogle et al. 2022, Cell 185:2559, doi:10.1016/j.cell.2022.05.013"
SRIVATSAN = "Srivatsan et al. 2020, Science 367:45, doi:10.1126/science.aax6234"
SCHMIDT = "Schmidt et al. 2022, Science 375:eabj4008, doi:10.1126/science.abj4008"
WU = "Wu et al. 2023 (graphVCI), ICLR, arXiv:2210.00116"

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
        "The same screen with every measured gene, curated by scPerturb; labels are guides, "
        "such as STAT1g2; the replicate is in hto",
        ("dataset",), "PapalexiSatija2021_eccite_RNA.h5ad", licence="CC BY 4.0",
        citation=f"{PAPALEXI}; {PEIDLI}", source="https://zenodo.org/records/13350497",
        urls=(SCPERTURB + "PapalexiSatija2021_eccite_RNA.h5ad",),
        sha256="03e9602d124c261281936717d5795445805e6e704a52b0310bcde94225aa0929",
        columns={"perturbation": "perturbation", "control": "control", "covariates": ()},
    ),
    CatalogueEntry(
        "norman2019", "Norman 2019, CRISPRa singles and pairs, K562",
        "Over-expression of genes alone and in pairs; counts are in a layer; about 1.7 GB",
        ("dataset",), "norman_2019.h5ad", None, 111_255, None, "see GEO GSE133344",
        citation="Norman et al. 2019, Science 365:786, doi:10.1126/science.aax4438",
        source="GEO GSE133344", urls=(PERTPY + "norman_2019.h5ad",), aliases=("norman",),
        columns={"perturbation": "perturbation_name", "control": "control", "covariates": ()},
    ),
    CatalogueEntry(
        "adamson2016", "Adamson 2016, UPR Perturb-seq, K562",
        "CRISPRi of 82 genes of the unfolded protein response. Labels are guides, some have none, "
        "and the file does not say which are controls: name one with --control",
        ("dataset",), "adamson_2016_upr_perturb_seq.h5ad", 471_286_951, 65_337, 32_738,
        "CC BY 4.0 (scPerturb)", citation=f"{ADAMSON}; {PEIDLI}", source="GEO GSE90546",
        urls=(PERTPY + "adamson_2016_upr_perturb_seq.h5ad",), aliases=("adamson",),
        columns={"perturbation": "perturbation", "covariates": ()},
    ),
    CatalogueEntry(
        "replogle2022-k562", "Replogle 2022, essential genes, K562",
        "CRISPRi of about 2,000 essential genes in 48 batches; about 1.5 GB",
        ("dataset",), "replogle_2022_k562_essential.h5ad", None, 310_385, 8563,
        "CC BY 4.0 (scPerturb)", citation=f"{REPLOGLE}; {PEIDLI}", source="SRA PRJNA831566",
        urls=(PERTPY + "replogle_2022_k562_essential.h5ad",), aliases=("replogle",),
        columns={"perturbation": "perturbation", "control": "control", "covariates": ()},
    ),
    CatalogueEntry(
        "sciplex3", "Srivatsan 2020, sci-Plex 3 (raw)",
        "188 compounds at four doses in three cell lines, as scPerturb curates it; 36,522 cells "
        "have no label. The paper used half of it",
        ("dataset",), "SrivatsanTrapnell2020_sciplex3.h5ad", None, 799_317, 110_983, "CC BY 4.0",
        citation=f"{SRIVATSAN}; {PEIDLI}", source="GEO GSE139944 (GSM4150378)",
        urls=(SCPERTURB + "SrivatsanTrapnell2020_sciplex3.h5ad",), aliases=("sciplex-raw",),
        columns={
            "perturbation": "perturbation", "control": "control", "covariates": ("cell_line",),
            "dose": "dose_value",
        },
    ),
    CatalogueEntry(
        "sciplex", "Sciplex as the paper prepared it",
        "188 compounds at four doses in A549, MCF7 and K562; about 122,000 cells × 2,000 genes",
        ("dataset",), "sciplex_prepped.h5ad", licence="see https://osf.io/5n2mz",
        citation=f"{SRIVATSAN}; {WU}", source="https://osf.io/5n2mz (folder main/datasets)",
        columns={
            "perturbation": "perturbation", "control": "Vehicle", "dose": "dose",
            "covariates": ("cell_type", "replicate"),
        },
        ood="auto",
    ),
    CatalogueEntry(
        "marson", "Marson (Schmidt 2022) as the paper prepared it",
        "CRISPRa of 73 genes in resting and restimulated CD4 and CD8 T cells; 51,989 cells × 2,013 "
        "genes before unassigned types are dropped",
        ("dataset",), "marson_prepped.h5ad", licence="see https://osf.io/5n2mz",
        citation=f"{SCHMIDT}; {WU}", source="https://osf.io/5n2mz (folder main/datasets)",
        columns={
            "perturbation": "target", "control": "NTC", "covariates": ("stim_celltype", "donor")
        },
        ood="auto",
    ),
    CatalogueEntry(
        "marson-raw", "Schmidt 2022, CRISPRa in T cells (raw)",
        "The counts behind marson, as deposited: guides and cell types come in tables beside them",
        ("dataset",), "marson_raw.h5ad", licence="see GEO GSE190604", citation=SCHMIDT,
        source="GEO GSE190604",
    ),
    CatalogueEntry(
        "l008", "L008 as the paper prepared it",
        "CROP-seq knock-outs of 77 genes in T cells of several donors; the paper's own data. Its "
        "controls are the Cas9− cells: write 'control' into their target_gene first",
        ("dataset",), "L008_prepped.h5ad", None, 139_564, 2048, "see https://osf.io/5n2mz",
        citation=WU, source="https://osf.io/5n2mz (folder main/datasets)",
        columns={
            "perturbation": "target_gene", "control": "control",
            "covariates": ("cell_type", "donor"),
        },
        ood="auto",
    ),
    CatalogueEntry(
        "l008-raw", "L008 (raw)", "The counts behind l008",
        ("dataset",), "L008_raw.h5ad", None, 316_138, 36_604, "see https://osf.io/a87cu",
        citation=WU, source="https://osf.io/a87cu",
        columns={"perturbation": "target_gene", "covariates": ("condition",)},
    ),
)  # fmt: skip
