"""The catalogue's priors, target sets and gene sets.

Facts about files that were not at hand (size, checksum) are left empty: the first download
records a checksum, and later ones must match it.
"""

from gvci.data.entry import CatalogueEntry

ENRICHR = "https://maayanlab.cloud/Enrichr/geneSetLibrary?mode=text&libraryName="
CELLORACLE = (
    "https://raw.githubusercontent.com/morris-lab/CellOracle/"
    "22b29abc469a361ce14e6249ca1413bb91e327fc/celloracle/data/promoter_base_GRN/"
)
MSIGDB = "https://data.broadinstitute.org/gsea-msigdb/msigdb/release/7.0/"
BASE_GRN = "hg19_TFinfo_dataframe_gimmemotifsv5_fpr2_threshold_10_20210630.parquet"
SERGIO = "Dibaeinia & Sinha 2020, Cell Systems 11:252, doi:10.1016/j.cels.2020.08.003"

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
        "The paper's base network: motif hits in human promoters. Academic use only. (The paper's "
        "own graphs, *.pth, are pickles, which gvci does not open.)",
        ("prior",), BASE_GRN, 5_520_100,
        licence="CellOracle licence, for NON-COMMERCIAL ACADEMIC use only; never shipped",
        ask_licence=True,
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
        "collectri-online", "CollecTRI (Zenodo)", "CollecTRI as its authors deposited it",
        ("prior", "truth"), "CollecTRI_regulons.csv", licence="CC BY 4.0",
        citation="Müller-Dott et al. 2023, Nucleic Acids Res 51:10934",
        urls=("https://zenodo.org/records/8192729/files/CollecTRI_regulons.csv",),
        source="https://zenodo.org/records/8192729",
    ),
    CatalogueEntry(
        "trrust-online", "TRRUST v2 (its own server)", "TRRUST v2 as its authors serve it",
        ("prior", "truth"), "trrust_rawdata.human.tsv", licence="CC BY-SA 4.0",
        citation="Han et al. 2018, Nucleic Acids Res 46:D380",
        urls=("https://www.grnpedia.org/trrust/data/trrust_rawdata.human.tsv",),
        form="no-header",
    ),
    CatalogueEntry(
        "chea2015", "ChEA 2015", "ChIP target sets; the human ones, joined per TF",
        ("truth", "prior"), "ChEA_2015.gmt.gz", 1_640_000, licence="MaayanLab, see Enrichr",
        citation="Lachmann et al. 2010, Bioinformatics 26:2438", aliases=("chea",),
        source="https://maayanlab.cloud/Enrichr",
        sha256="ae20d488564daa94fe936fc96208cc0dcbcf4f3d830566bb61aa92f239bacb9b",
        form="chip-sets",
    ),
    CatalogueEntry(
        "chea2016", "ChEA 2016", "ChIP target sets (HGNC names); the human ones, joined per TF",
        ("truth", "prior"), "ChEA_2016_hgnc_chea3.gmt.gz", 1_047_650,
        licence="MaayanLab, see Enrichr", source="https://maayanlab.cloud/chea3",
        citation="Lachmann et al. 2010, Bioinformatics 26:2438",
        sha256="dddca1a85c429ab1d85105b815f391c923ba8a7737abcf8eab1a22bdf7673415",
        form="chip-sets",
    ),
    CatalogueEntry(
        "chea2022", "ChEA 2022", "ChIP target sets; the human ones, joined per TF",
        ("truth", "prior"), "ChEA_2022.gmt", licence="MaayanLab, see Enrichr",
        citation="Lachmann et al. 2010, Bioinformatics 26:2438",
        urls=(ENRICHR + "ChEA_2022",), source="https://maayanlab.cloud/Enrichr",
        form="chip-sets",
    ),
    CatalogueEntry(
        "stat1-irf1", "STAT1 and IRF1 targets, seven databases",
        "Every target named by ChEA, CollecTRI, ENCODE, ReMap, TRRUST or TF knock-outs, joined",
        ("truth",), "truth_STAT1_IRF1_targets.tsv.gz", 70_439,
        licence="derived from its sources", aliases=("stat1-irf1-all",),
        sha256="efce55ce95becfc1b54a5aba83bd5a4149adba3048191fa9e73afb26ef533da3",
        form="joined",
    ),
    CatalogueEntry(
        "stat1-irf1-curated", "STAT1 and IRF1 targets, ChEA, CollecTRI and TRRUST",
        "The same table without ENCODE, ReMap and TF knock-outs",
        ("truth",), "truth_STAT1_IRF1_targets.tsv.gz", 70_439,
        licence="derived from its sources",
        sha256="efce55ce95becfc1b54a5aba83bd5a4149adba3048191fa9e73afb26ef533da3",
        sets=("ChEA", "CollecTRI", "TRRUST"),
        form="joined",
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
        urls=(MSIGDB + "h.all.v7.0.symbols.gmt",),
        source="https://www.gsea-msigdb.org",
    ),
    CatalogueEntry(
        "hallmark-interferon", "MSigDB hallmark interferon responses",
        "The genes of the interferon-α and interferon-γ response sets",
        ("genes",), "h.all.v7.0.symbols.gmt", 48_334, licence="MSigDB (CC BY 4.0)",
        citation="Liberzon et al. 2015, Cell Systems 1:417", sha256=HALLMARK,
        urls=(MSIGDB + "h.all.v7.0.symbols.gmt",),
        source="https://www.gsea-msigdb.org", sets=("interferon",),
    ),
)  # fmt: skip
