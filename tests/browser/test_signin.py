"""Where the server asks for sign-in, nothing is shown before it; after it, everything is."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.conftest import free_port, serving
from tests.browser.oidc import CLIENT, provider


def test_pages_open_after_sign_in_only(chromium: Browser, tmp_path: Path):
    port = free_port()
    with provider() as issuer:
        (tmp_path / "secrets.toml").write_text(
            f'[auth]\nredirect_uri = "http://127.0.0.1:{port}/oauth2callback"\n'
            f'cookie_secret = "{"x" * 40}"\nclient_id = "{CLIENT}"\nclient_secret = "s"\n'
            f'server_metadata_url = "{issuer}/.well-known/openid-configuration"\n'
        )
        more = ["--secrets.files", str(tmp_path / "secrets.toml")]
        with serving(tmp_path, port, more) as address:
            page = chromium.new_context().new_page()
            for path in ("network?tfs=STAT1", "", "jobs", "data?workspace=x"):
                page.goto(f"{address}/{path}")
                expect(page.get_by_text("people who are signed in")).to_be_visible()
                expect(page.get_by_role("button", name="Copy link")).to_have_count(0)
                assert "STAT1" not in page.content()
            page.get_by_role("button", name="Sign in").click()
            expect(page.get_by_role("button", name="Copy link")).to_be_visible()
            page.goto(f"{address}/network?tfs=STAT1")
            expect(page.get_by_role("button", name="Copy link")).to_be_visible()
            expect(page.get_by_text("ada@example.org")).to_be_attached()
            stranger = chromium.new_context().new_page()
            stranger.goto(f"{address}/network")
            expect(stranger.get_by_text("people who are signed in")).to_be_visible()
