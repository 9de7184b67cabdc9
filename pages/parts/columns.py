"""What the columns and genes of uploaded cells mean, and what is wrong with them."""

import streamlit as st

from gvci.app import mapping as fields
from gvci.app.text import count, literal


def genes(adata):
    """Which names the genes have, and whether repeated ones are summed."""
    left = st.columns([1, 2])[0]
    choice = left.selectbox(
        "Gene names", fields.name_choices(adata), format_func=fields.name_words, key="gene_names"
    )
    adata, said = fields.renamed(adata, choice)
    for sentence in said:
        st.caption(literal(sentence, 600))
    repeated = fields.has_repeated_genes(adata)
    return adata, choice, repeated and left.checkbox("Sum genes of the same name", key="sum_genes")


def mapping(adata):
    """Which columns mean what; None until a perturbation column is chosen."""
    obs, names = adata.obs, [str(name) for name in adata.obs.columns]
    guessed = fields.guess(obs)
    st.caption(literal(guessed.sentence, 1200))
    first, second, third = st.columns(3)
    at = names.index(guessed.perturbation) if guessed.perturbation in names else None
    column = first.selectbox("Perturbation column", names, at, placeholder="Choose a column")
    if column is None:
        return fields.Columns("perturbation", "control") if not names else None
    label = _control(obs, column, second)
    choices = fields.covariate_choices(obs, column)
    preset = [name for name in guessed.covariates if name in choices]
    covariates = third.multiselect("Covariates", choices, preset, key=f"covariates {column}")
    numbers, real = fields.real_choices(obs, [column, *covariates]), []
    if numbers:
        real = third.multiselect(
            "Real-valued covariates", numbers, key=f"real covariates {column}",
            help="Age, score, time …: taken as numbers, not as kinds.",
        )  # fmt: skip
    return fields.Columns(column, label, tuple(covariates), real_covariates=tuple(real))


def _control(obs, column, place):
    """The label of the cells to which nothing was done."""
    labels = fields.labels(obs, column)
    control, why = fields.guess_control(obs, column)
    at = labels.index(control) if control in labels else None
    label = place.selectbox(
        "Control label", labels, at, key=f"control {column}", placeholder="Choose a label"
    )
    if label is None and why:
        place.caption(literal(why, 800))
    return label or "control"


def checked(adata, columns, sum_genes):
    """All findings; True where nothing stands in the way."""
    found = fields.findings(adata, columns, sum_genes)
    errors = sum(finding.level == "error" for finding in found)
    verdict = f"{count(errors, 'error')} to repair first" if errors else "Nothing stands in the way"
    st.subheader(f"Findings: {verdict}", anchor=False)
    for finding in found:
        words, icon, colour = fields.BADGES[finding.level]
        with st.container(horizontal=True, vertical_alignment="top"):
            st.badge(words, icon=icon, color=colour)
            st.markdown(literal(finding.sentence, 1500), width="stretch")
    if not found:
        st.caption("No error, no warning, no note.")
    return not errors
