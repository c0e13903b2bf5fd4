"""Walks through the web page as people do: an auditor, then an operator who moves money with the real signer.

Usage: walk.py DIR LOG, where DIR is the folder of a `round-trip --serve --keep DIR` and LOG what it says. Pictures of every
page in light, dark and on a phone go to DIR/pictures. Any console error, serious finding of axe-core, or missing thing
ends it with an error.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

DIR, LOG = Path(sys.argv[1]), Path(sys.argv[2]).read_text()
TYPED = LOG.split("In another terminal:")[1]
PICTURES = DIR / "pictures"
PAGE = re.search(r"The web page is (\S+)", LOG).group(1)
OPERATOR, AUDITOR = re.findall(r"(oe_\w+)", LOG)[:2]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
# Root needs --no-sandbox; whoever walks here looks at one page of his own.
OPTIONS = ["--no-sandbox"]
# An epoch of the dev node takes ten seconds.
PATIENCE = 60_000
expect.set_options(timeout=PATIENCE)


def settings():
    """What the round trip tells to type first."""
    lines = re.findall(r"^  export (.*)$", TYPED, re.M)
    pairs = [pair.split("=", 1) for line in lines for pair in line.split() if "=" in pair]
    found = {name: value for name, value in pairs if name != "PATH"}
    programs = re.search(r'export PATH="([^"]+)"', TYPED).group(1)
    return {**os.environ, **found, "PATH": programs + ":" + os.environ["PATH"]}


def run(*command, **options):
    done = subprocess.run(command, cwd=DIR, env=settings(), text=True, capture_output=True, check=False, **options)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def pay_alice():
    """The command that the round trip shows: 3 STG more for her."""
    command = re.search(r"(echo '.*?--token-file \S+)", TYPED, re.S).group(1)
    run("sh", "-c", command)


def say(text):
    print(text, flush=True)


class Walker:
    """Somebody with a browser."""

    def __init__(self, play, token, *, camera=None, **context):
        options = list(OPTIONS)
        if camera:
            options += [
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={camera}",
            ]
        self.browser = play.chromium.launch(executable_path=CHROMIUM, args=options)
        self.context = self.browser.new_context(accept_downloads=True, **context)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.expected = 0
        self.faults = []
        self.page.on("console", self.console)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.go("/users?prefix=a")
        expect(self.page).to_have_url(re.compile("/login"))
        self.page.fill("#token", token)
        self.page.keyboard.press("Enter")
        # Whoever logs in is where he wanted to go.
        expect(self.page).to_have_url(PAGE + "/users?prefix=a")

    def console(self, message):
        # A page that is refused on purpose is an error of the network to the browser.
        if message.type == "error" and not (self.expected and "status of 4" in message.text):
            self.faults.append(message.text)

    def go(self, path):
        return self.page.goto(PAGE + path)

    def look(self, name):
        """axe-core, and a picture."""
        results = Axe().run(self.page).response["violations"]
        serious = [(it["id"], [node["target"] for node in it["nodes"]]) for it in results if it["impact"] in ("serious", "critical")]
        assert not serious, (name, serious)
        width = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert width <= 0, f"{name} is wider than the screen"
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)

    def end(self):
        assert not self.faults, self.faults
        self.browser.close()


def audit(play):
    say("An auditor: reads everything, changes nothing, and sees a deposit come in live")
    it = Walker(play, AUDITOR)
    page = it.page
    for path in ["/", "/handoffs", "/transactions", "/events", "/audit", "/webhooks", "/handoffs/1", "/users/hot"]:
        it.go(path)
        expect(page.get_by_text("You may read everything here, and change nothing.")).to_be_visible()
        # Logging out, searching and checking a proof are all that can be done.
        actions = {form.get_attribute("action") for form in page.locator("form").all()}
        assert actions <= {"/logout", "/users", "/audit", "/v1/exports/outputs"}, (path, actions)
    it.go("/users/alice")
    expect(page.locator("#address")).to_contain_text("dev1")
    live = page.locator('[data-live="history"]')
    expect(page.locator("#live")).to_have_text("Live.")
    pay_alice()
    expect(live.get_by_text("prepared", exact=True)).to_be_visible()
    expect(page.locator('[data-live="balance"]').get_by_text("3 STG", exact=True)).to_be_visible()
    expect(live.get_by_text("prepared", exact=True)).to_have_count(0)
    expect(page.locator('[data-live="balance"] .large')).to_contain_text("3 STG final")
    with page.expect_download() as download:
        page.get_by_role("link", name="balance", exact=True).click()
    header, row, total = Path(download.value.path()).read_text().splitlines()
    assert row.startswith("row,1,") and ",alice," in row and total.startswith("total,1,"), (header, row, total)

    it.go("/audit")
    page.select_option("#what", "balances")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    sheet = Path(download.value.path()).read_text()
    assert sheet.splitlines()[-1].startswith("total"), sheet
    run("output-explorer", "reserves", "create", "--at-epoch", "1", "--out", "reserves")
    root = (DIR / "reserves/root.json").read_text()
    named = [json.loads(line) for line in (DIR / "reserves/accounts.jsonl").read_text().splitlines()]
    proof = next(line["proof"] for line in named if line["account"] == "bob")
    proof = (DIR / "reserves" / proof).read_text()
    page.fill("#proof", proof)
    page.fill("#root", root)
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("Proved. bob is counted with 20 STG")).to_be_visible()
    page.fill("#proof", proof.replace('"amount":20000000', '"amount":20000001').replace('"amount": 20000000', '"amount": 20000001'))
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("Not proved:")).to_be_visible()

    it.expected += 1
    it.go("/users/nobody")
    expect(page.get_by_role("alert")).to_contain_text("nobody")
    refused = page.request.post(PAGE + "/handoffs/1/cancel", form={"csrf": "made up"})
    assert refused.status == 403, refused.status
    it.expected -= 1
    it.go("/")
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(PAGE + "/login")
    it.go("/users")
    expect(page).to_have_url(re.compile("/login"))
    it.expected += 1
    page.fill("#token", "oe_mistyped")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("not valid")
    it.end()


def withdraw(play):
    say("An operator: a withdrawal, with files")
    it = Walker(play, OPERATOR)
    page = it.page
    # By keyboard: the first thing is the way past the menu.
    it.go("/handoffs")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    # Whom the story pays too: the policy would refuse a user.
    stranger = re.search(r"--to (dev1\w+)", LOG).group(1)
    page.fill("#id", "walk-1")
    page.fill("#to", stranger)
    page.fill("#amount", "1.5")
    page.get_by_role("button", name="Make the request").first.click()
    expect(page).to_have_url(re.compile(r"/handoffs/\d+$"))
    number = page.url.rsplit("/", 1)[1]
    expect(page.get_by_role("heading", name="1. To the signer")).to_be_visible()
    it.look("light-handoff-open")
    with page.expect_download() as download:
        page.get_by_text("Download the request").click()
    request = f"handoff-{number}.request.json"
    assert download.value.suggested_filename == request
    download.value.save_as(DIR / request)
    # What a person would compare: the same lines on both sides.
    review = page.locator("pre.review").inner_text()
    seen = run("cold-signer", "inspect", request)
    assert review.strip() in seen, (review, seen)
    run("cold-signer", "sign", request, "--out", f"handoff-{number}.response.json")
    page.set_input_files("#file", DIR / f"handoff-{number}.response.json")
    expect(page.locator("#response")).to_have_value(re.compile("create_raw_transaction"))
    page.get_by_role("button", name="Submit the transaction").click()
    facts = page.locator('[data-live="facts"]')
    expect(facts.get_by_text("final", exact=True)).to_be_visible()
    expect(page.locator(".timeline").get_by_text("accepted", exact=True)).to_be_visible()
    it.end()


def by_light(play):
    say("An operator: a sweep across the gap by QR codes, there and back")
    it = Walker(play, OPERATOR, viewport={"width": 900, "height": 1000})
    page = it.page
    it.go("/handoffs")
    page.fill("#users", "alice")
    page.get_by_role("button", name="Make the request").last.click()
    expect(page).to_have_url(re.compile(r"/handoffs/\d+$"))
    path = page.url.removeprefix(PAGE)
    page.get_by_text("Or show it to the signer's camera").click()
    code = page.locator(".qr.moving svg")
    shown, answered = DIR / "shown", DIR / "answered"
    shown.mkdir()
    seen = set()
    expect(page.locator("[data-frame-number]")).to_contain_text("Picture")
    wanted = 3 * int(re.search(r"about (\d+)", page.locator("[data-frame-number]").inner_text()).group(1))
    while len(seen) < max(wanted, 6):
        picture = code.locator("path").get_attribute("d")
        if picture not in seen:
            seen.add(picture)
            page.locator(".qr.moving").screenshot(path=shown / f"{len(seen):04}.png")
        page.wait_for_timeout(60)
    it.look("light-handoff-frames")
    run("cold-signer", "sign", "--qr", "shown", "--qr-out", "answered")
    camera = film(sorted(answered.glob("*.png")), DIR / "answered.y4m")
    it.end()

    it = Walker(play, OPERATOR, camera=camera, permissions=["camera"])
    page = it.page
    it.go(path)
    page.get_by_text("Or read it from the signer's screen").click()
    facts = page.locator('[data-live="facts"]')
    expect(facts.get_by_text("final", exact=True)).to_be_visible()
    it.end()


def film(pictures, path):
    """A film for the browser's camera: each picture for three frames, in shades of gray."""
    size = (720, 720)
    with open(path, "wb") as out:
        out.write(b"YUV4MPEG2 W%d H%d F15:1 Ip A1:1 C420\n" % size)
        colors = bytes([128]) * (size[0] * size[1] // 2)
        for name in pictures:
            picture = Image.open(name).convert("L")
            picture.thumbnail(size, Image.NEAREST)
            frame = Image.new("L", size, 255)
            frame.paste(picture, ((size[0] - picture.width) // 2, (size[1] - picture.height) // 2))
            for _ in range(3):
                out.write(b"FRAME\n" + frame.tobytes() + colors)
    return path


def look_around(play):
    say("Every page in light, dark, and on a phone")
    pages = {
        "overview": "/", "users": "/users", "user": "/users/alice", "treasury": "/users/hot", "handoffs": "/handoffs",
        "handoff": "/handoffs/3", "transactions": "/transactions", "events": "/events", "audit": "/audit",
        "webhooks": "/webhooks",
    }  # fmt: skip
    phone = {"width": 390, "height": 844}
    for scheme, context in {
        "light": {"color_scheme": "light"},
        "dark": {"color_scheme": "dark"},
        "phone": {"color_scheme": "light", "viewport": phone},
    }.items():
        it = Walker(play, OPERATOR, **context)
        for name, path in pages.items():
            it.go(path)
            it.look(f"{scheme}-{name}")
        it.go("/events")
        it.page.locator("td a[href^='/users/']").first.click()
        it.page.locator("td a[href^='/outputs/']").first.click()
        expect(it.page.get_by_role("heading", name="Output")).to_be_visible()
        it.look(f"{scheme}-output")
        it.context.clear_cookies()
        it.go("/")
        it.look(f"{scheme}-login")
        it.end()


PICTURES.mkdir(exist_ok=True)
with sync_playwright() as play:
    audit(play)
    withdraw(play)
    by_light(play)
    look_around(play)
say("All well.")
