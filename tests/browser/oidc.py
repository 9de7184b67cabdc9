"""An identity provider on loopback, as small as OpenID Connect allows: everybody is Ada."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwk, jwt

CLIENT = "gvci-test"
KEY = jwk.RSAKey.generate_key(2048, parameters={"kid": "1", "use": "sig", "alg": "RS256"})


class Provider(BaseHTTPRequestHandler):
    """Discovery, keys, authorisation without a form, and the token."""

    nonces: ClassVar[dict[str, str]] = {}

    def do_GET(self) -> None:
        base = f"http://{self.headers['Host']}"
        url = urlsplit(self.path)
        if url.path == "/.well-known/openid-configuration":
            self._json({
                "issuer": base,
                "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token",
                "jwks_uri": f"{base}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            })  # fmt: skip
        elif url.path == "/jwks":
            self._json({"keys": [KEY.as_dict(private=False)]})
        elif url.path == "/authorize":
            asked = {name: values[0] for name, values in parse_qs(url.query).items()}
            assert asked["client_id"] == CLIENT
            code = f"code{len(self.nonces)}"
            self.nonces[code] = asked["nonce"]
            back = {"code": code, "state": asked["state"]}
            self.send_response(302)
            self.send_header("Location", f"{asked['redirect_uri']}?{urlencode(back)}")
            self.end_headers()

    def do_POST(self) -> None:
        given = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        now = int(time.time())
        claims = {
            "iss": f"http://{self.headers['Host']}", "sub": "1", "aud": CLIENT, "iat": now,
            "exp": now + 600, "nonce": self.nonces[given["code"][0]],
            "email": "ada@example.org", "name": "Ada *Lovelace*",
        }  # fmt: skip
        token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, KEY)
        self._json({"access_token": "a", "token_type": "Bearer", "id_token": token})

    def _json(self, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def provider() -> Iterator[str]:
    """Its address while it runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
