"""Data: read and check your own cells, the catalogue, and every run that can be opened."""

import streamlit as st

from gvci.app import session

session.guard()
from gvci.app import catalogue_view, home, train_view, uploads  # noqa: E402
from gvci.app import mapping as fields  # noqa: E402
from gvci.app.text import count, literal  # noqa: E402

LOOKS = {
    "error": ("Error", ":material/error:", "red"),
    "warning": ("Warning", ":material/warning:", "orange"),
    "note": ("Note", ":material/info:", "blue"),
}


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
    labels = fields.labels(obs, column)
    control, why = fields.guess_control(obs, column)
    at = labels.index(control) if control in labels else None
    label = second.selectbox(
        "Control label", labels, at, key=f"control {column}", placeholder="Choose a label"
    )
    if label is None and why:
        second.caption(literal(why, 800))
    choices = fields.covariate_choices(obs, column)
    preset = [name for name in guessed.covariates if name in choices]
    covariates = third.multiselect("Covariates", choices, preset, key=f"covariates {column}")
    numbers = fields.real_choices(obs, [column, *covariates])
    real = []
    if numbers:
        real = third.multiselect(
            "Real-valued covariates", numbers, key=f"real covariates {column}",
            help="Age, score, time …: taken as numbers, not as kinds.",
        )  # fmt: skip
    return fields.Columns(
        column, label or "control", tuple(covariates), real_covariates=tuple(real)
    )


def checked(adata, columns, sum_genes):
    """All findings; True where nothing stands in the way."""
    found = fields.findings(adata, columns, sum_genes)
    errors = sum(finding.level == "error" for finding in found)
    verdict = f"{count(errors, 'error')} to repair first" if errors else "Nothing stands in the way"
    st.subheader(f"Findings: {verdict}", anchor=False)
    for finding in found:
        words, icon, colour = LOOKS[finding.level]
        with st.container(horizontal=True, vertical_alignment="top"):
            st.badge(words, icon=icon, color=colour)
            st.markdown(literal(finding.sentence, 1500), width="stretch")
    if not found:
        st.caption("No error, no warning, no note.")
    return not errors


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


def brought():
    """What was uploaded now, else what the link shows; None where there is nothing or it is bad."""
    st.caption(uploads.offer(st.get_option("server.maxUploadSize")))
    files = st.file_uploader(
        "Your cells", uploads.TYPES, accept_multiple_files=True, key="cells_file"
    )
    with session.faults(stop=False):
        if files:
            files = [files[i] for i in uploads.meant([file.name for file in files])]
            key, space = " ".join(file.file_id for file in files), session.visitor.own_workspace()
            given = session.kept("brought", key, lambda: uploads.keep(
                space, [(file.name, file.getvalue()) for file in files]
            ))  # fmt: skip
            if st.session_state.get("_shown") != key:
                st.session_state["_shown"] = key
                session.visitor.show_upload(given)
        return session.visitor.upload_in_url("cells")
    return None


def kept_before(space):
    """Everything of this workspace: open it again, or delete it."""
    found = uploads.kept(space) if space else []
    if not found:
        return
    with st.expander(f"Kept in this workspace: {count(len(found), 'upload')}"):
        for one in found:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(literal(uploads.about(one), 300), width="stretch")
                if one.kind == "cells":
                    st.button("Open", key=f"open {one.id}", on_click=open_again, args=(one,))
                st.button("Delete", key=f"delete {one.id}", on_click=forget, args=(space, one))
        st.caption("Whoever has the link of this page can open these. Nobody else can.")
        st.button(
            "Delete all, with jobs and results", icon=":material/delete:", key="delete_all",
            on_click=forget, args=(space,),
        )  # fmt: skip


def open_again(one):
    """Show an upload that was kept before."""
    session.visitor.show_upload(one)


def forget(space, one=None):
    """Delete an upload, or the workspace with all that it holds."""
    try:
        uploads.forget(space, one)
        session.visitor.show_upload(None)
        st.session_state["_forgotten"] = None
    except uploads.JobError as error:
        st.session_state["_forgotten"] = str(error)


def your_data():
    """Upload, map, check, and prepare."""
    st.subheader("Your data", anchor=False)
    session.visitor.workspace()
    refused = st.session_state.pop("_forgotten", None)
    if refused:
        st.error(literal(refused), icon=":material/error:")
    upload = brought()
    kept_before(session.visitor.workspace())
    if upload is None:
        return
    with session.faults(stop=False):
        adata = session.kept("cells", upload.id, upload.cells)
        st.markdown(f"**{literal(uploads.label(upload.labels), 100)}**: {upload.words}.")
        for note in upload.notes:
            st.caption(literal(note, 600))
        adata, gene_names, sum_genes = genes(adata)
        columns = mapping(adata)
        if columns is None:
            return
        if not checked(adata, columns, sum_genes):
            return
        left, right = st.columns([1, 1.1], gap="medium")
        with left:
            st.subheader("Cells per perturbation and group", anchor=False)
            table = fields.preview(adata.obs, columns)
            st.dataframe(table, hide_index=True, alt="Cells per group.")
        with right, session.faults(stop=False):
            st.subheader("Split", anchor=False)
            choice = st.selectbox(
                "Treated cells to hold out", fields.holdout_choices(adata.obs, columns)
            )
            st.markdown(literal(fields.held_out(adata, columns, choice), 1500))
            prepare(upload, columns, choice, gene_names, sum_genes)


def prepare(upload, columns, choice, gene_names, sum_genes):
    """The last choices, the button, and the same as commands."""
    first, second = st.columns([1, 2])
    most = first.number_input(
        "Variable genes to keep", 2, None, fields.USUAL_GENES, step=100, key="n_genes"
    )
    name = second.text_input(
        "Name", key="name", max_chars=120, placeholder=uploads.label(upload.labels)
    )
    chosen = (columns, choice, gene_names, sum_genes, most)
    asked = fields.preparation(upload, *chosen, name, session.visitor.own_workspace())
    if st.button("Prepare", type="primary", icon=":material/play_arrow:", key="prepare"):
        job = train_view.start(asked, session.visitor.visit())
        st.switch_page(session.to("jobs"), query_params=train_view.link(job))
    with st.expander("The same on the command line"):
        st.code(fields.commands(upload.labels, *chosen), language="bash", wrap_lines=True)


with session.page("Data", needs_run=False):
    your_data()
    st.subheader("Open now", anchor=False)
    for entry in home.recent():
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{literal(entry.title)}**  \n{home.about(entry)}", width="stretch")
            query = {"run": entry.id}
            st.page_link(
                session.to("network"), label="Network", icon=":material/hub:", query_params=query
            )
            if entry.kind == "run":
                st.page_link(
                    session.to("counterfactual"),
                    label="Counterfactual",
                    icon=":material/experiment:",
                    query_params=query,
                )
    st.caption("Runs and networks that the command line makes appear here by themselves.")
    st.subheader("Catalogue", anchor=False)
    where = catalogue_view.folder()
    st.caption(
        f"Files in {literal(where)} are found first."
        if where
        else "Set GVCI_DATA_DIR to a folder of files; they are found there before any download."
    )
    st.dataframe(
        catalogue_view.table(),
        hide_index=True,
        placeholder="",
        alt="Datasets, networks and gene sets that gvci knows by name.",
        column_config={"Source": st.column_config.TextColumn(width="medium")},
    )
    named = st.selectbox(
        "Download", catalogue_view.downloadable(), None, placeholder="Choose what is not here yet"
    )
    if named:
        licence, asks = catalogue_view.licence(named)
        st.caption(f"Licence: {literal(licence)}.")
        accepted = asks and st.checkbox(
            "I have read the licence and accept it.", key=f"accept {named}"
        )
        if st.button("Download", icon=":material/download:", disabled=asks and not accepted):
            bar = st.progress(0.0, "Connecting")
            with session.faults(stop=False):
                st.success(literal(catalogue_view.download(named, bool(accepted), bar.progress)))
            bar.empty()
