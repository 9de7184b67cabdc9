"""Choices that stand in the link as they stand on the page; a link's unknown ones are said."""

from gvci.app import session
from gvci.app.text import literal


def choose(place, label, name, options, first=0, said=None, **more):
    """One of a list."""
    session.link.unknown_in_url(name, options, said or label)
    return place.selectbox(label, options, first, key=name, bind="query-params", **more)


def switch(place, label, name, options, said=None, **more):
    """One of a few, side by side; the first one to begin with."""
    session.link.unknown_in_url(name, options, said or label)
    return place.segmented_control(
        label, options, default=options[0], required=True, key=name, bind="query-params",
        **more,
    )  # fmt: skip


def view(place, label, name, options, said=None):
    """The same, where the words alone say what is chosen."""
    return switch(place, label, name, options, said=said, label_visibility="collapsed")


def group(places, data, preset):
    """A level of each covariate; the group's own are the first ones."""
    levels = []
    for name, level in zip(data.columns.covariates, preset.split(" · "), strict=False):
        options = list(data.covariate_code.levels[name])
        first = options.index(level) if level in options else 0
        title = literal(name.replace("_", " ").capitalize())
        levels.append(choose(next(places), title, f"c_{name}", options, first, name))
    return levels
