"""Looks at a report in headless Chromium: no error, nothing fetched, nothing wider than the screen, at 1280 and 390
pixels, light and dark. Writes a screenshot of each, to be looked at.

    python scripts/check_report.py REPORT.html OUT

Needs the packages playwright (pip) and chromium (Debian).
"""

import pathlib
import shutil
import sys

from playwright.sync_api import sync_playwright

SIZES = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]


def look(browser, page_url, out, width, scheme, opened):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    errors, requests = [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: requests.append(request.url))
    page.goto(page_url)
    page.wait_for_selector("#configuration")
    page.wait_for_timeout(500)
    if opened:
        page.click("#networks button.link")
        page.wait_for_selector("dialog[open] pre")
    scrolled = page.evaluate("document.documentElement.scrollWidth")
    name = f"{width}-{scheme}{'-network' if opened else ''}.png"
    page.screenshot(path=str(out / name), full_page=not opened)
    context.close()
    foreign = [url for url in requests if not url.startswith(("file:", "data:"))]
    problems = errors + [f"fetched {url}" for url in foreign]
    if scrolled > width:
        problems.append(f"is {scrolled} pixels wide")
    print(f"{name}: {'; '.join(problems) or 'well'}")
    return not problems


def main():
    report, out = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        well = [look(browser, report.as_uri(), out, width, scheme, opened) for width, scheme in SIZES for opened in (False, True)]
        browser.close()
    sys.exit(0 if all(well) else 1)


main()
