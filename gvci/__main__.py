"""python -m gvci …"""

from gvci.cli import main

raise SystemExit(main())
