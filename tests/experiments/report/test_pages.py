import itertools
import json
import re
import sys
from html.parser import HTMLParser
from importlib import resources

import pytest

from experiments.documents import read_json, write_json
from experiments.report import build_report as build
from experiments.report import render_html, render_json, render_pdf
from experiments.report.model import FORMAT
from retail.errors import ConfigError

PACKS = ["base", "dma", "gdpr"]


def build_report(store, target, *, policy=PACKS, **options):
    """Compare two regimes only, which is quick."""
    return build(store, target, policy=policy, regimes=["federated_dp", "pooled"], **options)


NASTY = "a\"'<script>alert(1)</script>&amp;\u202e\x00\u2028 #strong[x] $x$ \\ 中文 " + "x" * 5000


class Tags(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def of(self, *names):
        return [attrs for tag, attrs in self.tags if tag in names]


@pytest.fixture(scope="module")
def page(model):
    return render_html(model).decode()


@pytest.fixture(scope="module")
def tags(page):
    return Tags(page)


@pytest.fixture
def nasty(store, plant, make_accesses):
    """A store whose title, arm names and logged ids try to break out of the page."""
    path = store / "market" / "summary.json"
    summary = read_json(path)
    summary["title"] = NASTY
    write_json(path, summary)
    (kind, body), *_ = make_accesses()
    plant(store, (kind, {**body, "actor": NASTY, "decision": "deny", "rule": "", "dataset": "''\"\u202e"}))
    return build_report(store, "market")


def test_a_page_has_landmarks_language_and_one_heading_of_the_first_level(tags, page):
    assert tags.of("html") == [{"lang": "en-GB"}]
    for landmark in ("header", "main", "footer", "nav"):
        assert len(tags.of(landmark)) == 1
    assert len(tags.of("h1")) == 1
    levels = [int(tag[1]) for tag, _ in tags.tags if re.fullmatch("h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_every_table_has_a_caption_and_scoped_headers(tags):
    assert len(tags.of("table")) == len(tags.of("caption")) > 8
    assert all(attrs.get("scope") in ("col", "row") for attrs in tags.of("th"))
    regions = [attrs for attrs in tags.of("div") if attrs.get("class") == "scroll"]
    assert all(attrs["tabindex"] == "0" and attrs["aria-labelledby"] for attrs in regions)
    assert len(regions) == len(tags.of("table"))


def test_ids_are_unique_and_every_link_leads_somewhere(tags):
    ids = [attrs["id"] for _, attrs in tags.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = [attrs["href"] for attrs in tags.of("a")]
    assert {target.removeprefix("#") for target in targets} <= set(ids)
    named = {i for _, attrs in tags.tags for i in (attrs.get("aria-labelledby") or "").split()}
    assert named <= set(ids)


def test_a_page_asks_nobody_for_anything(tags, page):
    loading = [attrs for _, attrs in tags.tags if attrs.get("src") or attrs.get("srcset") or "style" in attrs]
    assert loading == []
    assert tags.of("link", "iframe", "img", "object", "embed", "form") == []
    assert [attrs["type"] for attrs in tags.of("script")] == ["application/json"]
    assert "url(" not in page
    assert "@import" not in page
    assert not any(name.startswith("on") for _, attrs in tags.tags for name in attrs)


def test_charts_have_text_alternatives(page):
    pictures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(pictures) == 2
    for picture in pictures:
        assert 'role="img"' in picture
        assert re.search(r"<title id=\S+>[^<]{10,}</title><desc id=\S+>[^<]{20,}</desc>", picture)


def test_every_printed_number_carries_its_mark(page):
    between = r'(</span>|[\s\],\[]|<span class="soft">|<data[^>]*>[^<]*</data>)*'
    for found in re.finditer(r'data-proof="([^"]*)"[^>]*>[^<]*</data>', page):
        mark = f'<a class="proof" href="#{found[1]}"' if found[1] else '<span class="noproof"|</span>'
        after = page[found.end() : found.end() + 600]
        assert re.match(f"{between}({mark})", after), after


def contrast(one, other):
    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        parts = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_has_contrast_of_at_least_4_5_in_light_and_dark():
    css = (resources.files("experiments.report") / "report.css").read_text()
    schemes = re.findall(r"--page: [^}]*", css)
    assert len(schemes) == 3
    for scheme in schemes:
        colour = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", scheme))
        pairs = [(ink, back) for ink in ("ink", "soft-ink", "accent") for back in ("page", "panel")]
        pairs += [(tone, f"{tone}-back") for tone in ("good", "bad", "warn")]
        assert {pair: contrast(colour[pair[0]], colour[pair[1]]) for pair in pairs if
                contrast(colour[pair[0]], colour[pair[1]]) < 4.5} == {}  # fmt: skip


def test_names_cannot_break_out_of_the_page(nasty):
    page = render_html(nasty).decode()
    assert "<script>alert" not in page
    assert not set("\u202e\x00\u2028") & set(page)
    assert "⟨U+202E⟩" in page
    assert "5,0" in page
    assert "x" * 700 not in page.partition('<script type="application/json"')[0]
    assert [attrs.get("type") for attrs in Tags(page).of("script")] == ["application/json"]


def test_the_block_in_the_page_is_the_report(page, model):
    block = page.partition('id="report">')[2].partition("</script>")[0]
    assert f'"format": "{FORMAT}"' in block
    assert "<" not in block
    assert json.loads(block) == model.document()


def test_rendering_twice_gives_the_same_bytes(model):
    assert render_html(model) == render_html(model)
    assert render_json(model) == render_json(model)


def pdf(model):
    pytest.importorskip("typst", reason="no typst: install the extra `report`")
    return render_pdf(model)


def test_a_pdf_is_tagged_archival_and_the_same_each_time(model):
    content = pdf(model)
    assert content == pdf(model)
    assert content.startswith(b"%PDF-1.7")
    for part in (
        b"/StructTreeRoot", b"/Marked true", b"/Lang(en-GB)", b"<pdfuaid:part>1</pdfuaid:part>",
        b"<pdfaid:part>3</pdfaid:part>", b"<pdfaid:conformance>A</pdfaid:conformance>", b"/Type/EmbeddedFile",
        b"/Alt",
    ):  # fmt: skip
        assert part in content
    year = model.made_at[:4].encode()
    assert b"/CreationDate(D:" + year in content


def test_a_pdf_prints_the_numbers_and_their_proofs(model, monkeypatch):
    """The laid-out page is written as SVG too, where text stays text."""
    typst = pytest.importorskip("typst", reason="no typst: install the extra `report`")
    seen = {}
    compile_ = typst.compile

    def spy(path, **options):
        root = options["root"]
        strings = typst.query(path, "<printed>", root=root, ignore_system_fonts=True, field="value")
        seen["numbers"] = strings
        return compile_(path, **options)

    monkeypatch.setattr(typst, "compile", spy)
    render_pdf(model)
    printed = json.loads(seen["numbers"])
    for figure in model.figures:
        assert [figure.value.shown, figure.value.proof] in printed
    for verdict in model.verdicts:
        assert [verdict.checked.shown, verdict.checked.proof] in printed
    assert [model.accounts[0].spent.shown, model.accounts[0].spent.proof] in printed


def test_names_cannot_break_out_of_the_pdf(nasty):
    content = pdf(nasty)
    assert b"/StructTreeRoot" in content


def test_without_typst_a_pdf_is_refused_with_one_clear_message(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(ConfigError, match="pip install 'typst>="):
        render_pdf(model)
