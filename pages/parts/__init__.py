"""Pieces of pages, one idea a file: widgets only; a page imports them, they import no page."""
