"""The answer to a scenario: made once for all viewers, said in words, drawn."""

import streamlit as st

from gvci.app import all_cells, answer_view, charts, model_view, prediction, scatter, session
from gvci.app.text import literal
from gvci.app.train_view import needs
from pages.parts.choices import view
from pages.parts.exhibits import chart
from pages.parts.links import start

NO_GENES = "Tick genes in the table to draw them."


def predicted(run, asked):
    """The answer, made once for all viewers."""
    return session.shared("answer", run, asked, lambda: prediction.answer(run, asked))


def said(run, answer):
    """Badge, verdict, where the mean comes from, notes and warnings."""
    badge = answer_view.badge(answer)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(badge.words, icon=badge.icon, color=badge.colour)
        st.markdown(f"**{literal(answer_view.claim(answer))}**", width="content")
    line, how = st.columns([9, 1], vertical_alignment="center")
    line.markdown(f":material/balance: {literal(answer.mean_words, 600)}")
    with how.popover("How λ works", type="tertiary", width="content"):
        st.markdown(model_view.HOW_THE_MEAN_IS_MADE)
    for note in answer_view.notes(answer):
        st.caption(literal(note))
    for warning in model_view.warnings(run):
        st.warning(warning, icon=":material/warning:")
    if answer.support == "outside":
        st.warning(literal(answer_view.outside(run, answer)), icon=":material/warning:")


def too_many(run, entry, answer):
    """More cells than a page transports: which are shown, and a job for all of them."""
    words = answer_view.drawn_words(answer)
    if not words:
        return
    st.warning(literal(words, 400), icon=":material/filter_list:")
    with session.faults(stop=False):
        space = None if entry.listed else session.visitor.own_workspace()
        job = all_cells.request(run, answer.scenario, space)
        with st.container(horizontal=True, vertical_alignment="center"):
            start(job, "Predict all as a job", "all")
            st.caption(literal(needs(job)), width="stretch")


def distributions(run, answer, genes, colours):
    """Violins or distribution functions of the ticked genes; returns which."""
    head, toggle = st.columns([2, 1], vertical_alignment="center")
    head.subheader(answer_view.cells_title(answer), anchor=False)
    style = view(
        toggle.container(horizontal=True, horizontal_alignment="right"), "Chart", "chart",
        ["violin", "ecdf"], "The chart",
    )  # fmt: skip
    st.caption(answer_view.key_line(answer, style))
    panels = answer_view.panels(answer, genes)
    if not panels:
        st.info(NO_GENES)
        return style
    draw = charts.violins if style == "violin" else charts.ecdfs
    figure = session.shared(
        style, run, (answer.scenario, genes, colours.name), lambda: draw(panels, colours)
    )
    chart(figure, "cells_chart", answer_view.alt_text(panels, style))
    return style


def means(run, answer, colours):
    """Mean against mean, of the model and of the chosen baseline, and the scores."""
    places = st.columns([1, 1, 0.95], gap="medium")
    for place, picture in zip(places, answer_view.mean_pairs(answer), strict=False):
        with place:
            st.subheader(picture.title, anchor=False)
            figure = session.shared(
                picture.title, run, (answer.scenario, colours.name),
                lambda p=picture: scatter.mean_scatter(
                    p.x, p.y, answer.genes, colours, x_title=p.x_title, y_title=p.y_title,
                    unit=answer.unit, baseline=p.baseline, top=p.top,
                ),
            )  # fmt: skip
            chart(figure, picture.title, picture.alt)
    if answer.scores:
        with places[2]:
            st.subheader("Scores", anchor=False)
            table = answer_view.score_rows(answer, run.name)
            st.dataframe(table, hide_index=True, alt="Scores of model, baselines and ceiling.")
            st.caption(answer_view.score_caption(answer))
