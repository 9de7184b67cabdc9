"""What runs for every viewer: page settings and navigation. Served by app.py."""

from gvci.app import session

session.navigate()
