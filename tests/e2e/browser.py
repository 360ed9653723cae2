"""A page in Debian's Chromium; a test that asks for one is skipped, visibly, where there is no Chromium."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest
from playwright.async_api import Page, async_playwright

CHROMIUM: Final = shutil.which("chromium")
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
)


@asynccontextmanager
async def opened(*, bypass_csp: bool = False) -> AsyncIterator[Page]:
    """Yield an empty page. `bypass_csp`: for pages of the daemon whose policy lets them load nothing."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed; apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = await browser.new_context(bypass_csp=bypass_csp)
        yield await context.new_page()
        await browser.close()
