"""The browser is real, its pages are strangers to each other, and the server's loop goes on beside it."""

from pathlib import Path

from tests.support.browser import PHONE, Pages


async def test_two_pages_share_nothing(pages: Pages, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<!doctype html><title>one</title>")
    first, second = await pages(f"file://{tmp_path}/page.html"), await pages(f"file://{tmp_path}/page.html")
    await first.evaluate("localStorage.setItem('draft', 'mine')")
    assert await second.evaluate("localStorage.getItem('draft')") is None


async def test_an_exception_that_a_page_does_not_catch_is_kept(pages: Pages) -> None:
    page = await pages()
    async with page.expect_event("pageerror"):
        await page.evaluate("setTimeout(() => { throw new Error('lost') })")
    assert "lost" in pages.errors.pop()


async def test_a_phone_is_narrow_and_touched(pages: Pages) -> None:
    page = await pages(**PHONE)
    await page.set_content("<meta name=viewport content='width=device-width'>")
    assert await page.evaluate("[innerWidth, navigator.maxTouchPoints > 0]") == [390, True]
