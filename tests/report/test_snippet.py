"""A test in a few lines of HTML."""

from __future__ import annotations

from html.parser import HTMLParser
from xml.etree import ElementTree

from pytest_lossguard.report.snippet import snippet
from tests.support.entries import baseline, entry, found, run

HOSTILE = "<script>alert('x')</script>\"&"


class Reader(HTMLParser):
    """Tags in order, and the text between them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text.append(data)


def test_it_shows_verdict_curve_and_findings():
    bad = run((1.0, 4.0, 2.0), findings=[found(), found("plateau", "warning")])

    read = Reader(snippet(entry("test_a", bad)))

    assert read.text[0] == (
        "lossguard: not converged, loss of the first step -> the last: 1 -> 2,"
        " in 3 steps, - of a limit"
    )
    assert read.tags.count("svg") == 1
    assert read.tags.count("tr") == 3
    assert {"error", "diverging_loss", "it blew up"} <= set(read.text)


def test_the_curve_has_a_gap_where_the_loss_is_not_finite():
    drawn = ElementTree.fromstring(
        snippet(entry("a", run((1.0, 2.0, "NaN", 3.0, "Infinity"))))
    )

    lines = [it.get("points").split() for it in drawn.iter("polyline")]

    assert [len(it) for it in lines] == [2, 1]
    assert "nan" not in str(lines)


def test_a_curve_without_a_finite_value_is_empty():
    drawn = ElementTree.fromstring(snippet(entry("a", run(("NaN", "NaN")))))

    assert drawn.find(".//svg") is not None
    assert list(drawn.iter("polyline")) == []


def test_what_the_user_controls_is_escaped():
    hostile = run(findings=[found(message=HOSTILE)], model=HOSTILE)
    kept = baseline() | {"told": HOSTILE}

    text = snippet(entry("a", hostile, baseline=kept))

    read = Reader(text)
    assert "script" not in read.tags
    assert HOSTILE in read.text
    assert f"baseline: {HOSTILE}" in read.text
    ElementTree.fromstring(text)  # well-formed: no quote ended an attribute


def test_a_proved_cause_is_reported_and_a_suspicion_is_not():
    causes = [
        {"cause": "unscaled_inputs", "verified": True, "remedy": "scale them"},
        {"cause": "dead_units", "verified": False, "remedy": ""},
    ]

    text = snippet(entry("a", run(findings=[found()], diagnosis={"causes": causes})))

    assert "cause: unscaled_inputs, scale them" in text
    assert "dead_units" not in text


def test_where_nothing_was_judged_it_is_empty():
    assert snippet(entry() | {"runs": []}) == ""
