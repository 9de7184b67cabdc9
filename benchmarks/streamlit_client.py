"""A viewer of a Streamlit app without a browser: the app's own websocket protocol.

A browser fetches the page and its XSRF cookie, opens `/_stcore/stream` with the token as second
subprotocol, sends BackMsg (rerun with page, query string, widgets and the hashes of messages that
it still holds), and reads ForwardMsg until the script has finished. So does this.

Source: the protobufs of the installed Streamlit (streamlit/proto) and its server's handler
(streamlit/web/server/starlette/starlette_websocket.py), version 1.67.
"""

from __future__ import annotations

import asyncio
import time
import urllib.request
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any, Self

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

XSRF = "_streamlit_xsrf"
MOST_BYTES = 200_000_000
KEPT_RUNS = 2  # a browser forgets a message that was not used in that many runs
Ended = ForwardMsg.ScriptFinishedStatus


@dataclass
class Loaded:
    """One run of the script, as its viewer saw it.

    Attributes:
        seconds: from the request to the end of the script.
        received: bytes of all its messages.
        elements: how many came, those included that the viewer held already.
        faults: exceptions, error alerts and the like, in words; must be empty.
        warnings: alerts that are no errors.
    """

    seconds: float = 0.0
    received: int = 0
    elements: int = 0
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class Viewer:
    """One session. Made by `connected`; every step returns what it loaded."""

    def __init__(self, address: str, socket: ClientConnection) -> None:
        self.address, self._socket = address, socket
        self._query, self._page = "", ""
        self._pages: dict[str, str] = {}
        self._widgets: dict[str, Any] = {}
        self._states: dict[str, WidgetState] = {}
        self._held: dict[str, tuple[Element, int]] = {}
        self._runs = 0

    @classmethod
    async def connected(cls, address: str) -> Self:
        """Fetch page and cookie, and open the stream with the token."""
        token = await asyncio.to_thread(_token, address)
        socket = await connect(
            f"{address.replace('http', 'ws', 1)}/_stcore/stream",
            origin=address,  # type: ignore[arg-type]
            subprotocols=["streamlit", token],  # type: ignore[list-item]
            additional_headers={"Cookie": f"{XSRF}={token}"},
            max_size=MOST_BYTES,
            compression=None,
        )
        return cls(address, socket)

    async def close(self) -> None:
        """As closing the tab."""
        await self._socket.close()

    # --- what a person does ----------------------------------------------------------

    async def open(self, path: str = "", query: str = "") -> Loaded:
        """Load an address."""
        self._query = query
        return await self._run(page_name=path)

    async def switch(self, path: str) -> Loaded:
        """Click on a page in the navigation; `path` is its part of the URL, "" the first page."""
        self._query, self._states = "", {}
        self._page = self._pages[path]
        return await self._run(page_script_hash=self._page)

    async def choose(self, key: str, **value: Any) -> Loaded:
        """Set a widget by its key: double_array_value=[50] for a slider."""
        widget = self._widgets[key]
        state = WidgetState(id=widget.id)
        for name, given in value.items():
            if isinstance(given, list):
                getattr(state, name).data.extend(given)
            else:
                setattr(state, name, given)
        self._states[widget.id] = state
        return await self._run(page_script_hash=self._page)

    def widget(self, key: str) -> Any:
        """The widget's message: its options, limits, default."""
        return self._widgets[key]

    # --- protocol --------------------------------------------------------------------

    async def _run(self, **page: str) -> Loaded:
        message = BackMsg()
        state = message.rerun_script
        state.query_string = self._query
        for name, value in page.items():
            setattr(state, name, value)
        state.context_info.url = f"{self.address}/"
        state.context_info.timezone, state.context_info.locale = "Europe/Berlin", "en-GB"
        state.context_info.color_scheme = "light"
        state.widget_states.widgets.extend(self._states.values())
        state.cached_message_hashes.extend(self._held)
        self._runs += 1
        self._widgets = {}
        loaded, start = Loaded(), time.perf_counter()
        await self._socket.send(message.SerializeToString())
        while True:
            payload = await self._socket.recv(decode=False)
            loaded.received += len(payload)
            if self._read(ForwardMsg.FromString(payload), loaded):
                break
        loaded.seconds = time.perf_counter() - start
        self._held = {
            hash_: held for hash_, held in self._held.items() if self._runs - held[1] < KEPT_RUNS
        }
        return loaded

    def _read(self, message: ForwardMsg, loaded: Loaded) -> bool:
        """Note one message; True after the last."""
        kind = message.WhichOneof("type")
        if kind == "script_finished":
            if message.script_finished == Ended.FINISHED_WITH_COMPILE_ERROR:
                loaded.faults.append("the script did not compile")
            return message.script_finished != Ended.FINISHED_EARLY_FOR_RERUN
        if kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "page_not_found":
            loaded.faults.append("page not found")
        elif kind == "navigation":
            self._page = message.navigation.page_script_hash
            self._pages = {
                "" if page.is_default else page.url_pathname: page.page_script_hash
                for page in message.navigation.app_pages
            }
        elif kind == "ref_hash":
            if message.ref_hash not in self._held:
                loaded.faults.append("a message that this viewer no longer holds")
            else:
                self._element(self._hold(message.ref_hash), loaded)
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            element = message.delta.new_element
            if message.metadata.cacheable:
                self._held[message.hash] = (element, self._runs)
            self._element(element, loaded)
        return False

    def _hold(self, hash_: str) -> Element:
        element = self._held[hash_][0]
        self._held[hash_] = (element, self._runs)
        return element

    def _element(self, element: Element, loaded: Loaded) -> None:
        loaded.elements += 1
        kind = element.WhichOneof("type")
        content = getattr(element, kind) if kind else None
        if kind == "exception":
            loaded.faults.append(f"{content.type}: {content.message}")
        elif kind == "alert" and content.format == Alert.ERROR:
            loaded.faults.append(content.body)
        elif kind == "alert" and content.format == Alert.WARNING:
            loaded.warnings.append(content.body)
        name = str(getattr(content, "id", ""))
        if name.startswith("$$ID-"):
            self._widgets[name.split("-", 2)[2]] = content


def _token(address: str) -> str:
    """The XSRF token, as a browser gets it with the page."""
    with urllib.request.urlopen(f"{address}/", timeout=30) as page:
        page.read()
    with urllib.request.urlopen(f"{address}/_stcore/host-config", timeout=30):
        pass
    with urllib.request.urlopen(f"{address}/_stcore/health", timeout=30) as answer:
        cookies: SimpleCookie = SimpleCookie(answer.headers["Set-Cookie"])
    return cookies[XSRF].value
