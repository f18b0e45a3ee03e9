"""The briefing as a mail program shows it: the mail's own page and pictures, on a phone, in the dark, offline."""

import email.policy
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

import browsing
from outcry.desk import briefing
from outcry.desk.telling import gathering
from remembered import NOW, floor, remember

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(browsing.why_not()), reason=browsing.why_not() or "there is one"),
]
MAIL = "http://mail.invalid/"  # stands for cid:, which only mail programs know; every other address leads out


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with browsing.browser() as found:
        yield found


def delivered(message: EmailMessage) -> tuple[str, dict[str, bytes]]:
    """The page of a mail that travelled as bytes, and what is attached to it."""
    arrived = email.message_from_bytes(message.as_bytes(), policy=email.policy.default)
    page = arrived.get_body(("html",)).get_content().replace("cid:", MAIL)
    pictures = [part for part in arrived.walk() if part.get_content_type() == "image/png"]
    return page, {part["Content-ID"].strip("<>"): part.get_content() for part in pictures}


@pytest.mark.parametrize(("phone", "dark"), [(True, True), (False, False)])
def test_a_mail_is_whole_without_the_network(browser, db, tmp_path, phone, dark):
    remember(db)
    text, pictures = delivered(briefing.compose(floor(tmp_path), gathering.build(db, floor(tmp_path), NOW), NOW))
    page = browser.new_page(
        viewport=browsing.PHONE if phone else browsing.DESKTOP, color_scheme="dark" if dark else "light"
    )
    asked: list[str] = []

    def answer(route) -> None:
        asked.append(route.request.url)
        found = pictures.get(route.request.url.removeprefix(MAIL))
        route.fulfill(body=found, content_type="image/png") if found else route.abort()

    page.route("**", answer)
    page.set_content(text)
    assert sorted(asked) == sorted(MAIL + name for name in pictures), "pictures out of the mail, and nothing else"
    widths = page.evaluate("[...document.images].map(one => [one.naturalWidth, one.getBoundingClientRect().width])")
    assert len(widths) == 2 and all(natural > 0 and shown > 200 for natural, shown in widths)
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    ink = page.evaluate("getComputedStyle(document.body).color")
    light_ground, light_ink = (sum(map(int, colour.strip("rgb()").split(","))) / 3 for colour in (ground, ink))
    assert (light_ground < 64 and light_ink > 192) if dark else (light_ground > 192 and light_ink < 64)
    for cell in page.query_selector_all("td, p, h1, h2"):
        box = cell.bounding_box()
        assert box is None or box["x"] + box["width"] <= page.viewport_size["width"], cell.inner_text()
    page.close()
