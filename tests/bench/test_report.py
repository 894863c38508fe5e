from __future__ import annotations

from bench.report import Figures, Report, Verdict


def test_a_ratio_must_reach_its_bound() -> None:
    assert Verdict("list", "rival", 2.9, "×", least=3, aim=5).word == "**missed**"
    assert Verdict("list", "rival", 3.0, "×", least=3, aim=5).word == "passed"
    assert Verdict("list", "rival", 5.0, "×", least=3, aim=5).word == "aim reached"


def test_a_limit_must_not_be_passed() -> None:
    assert Verdict("start", "", 3.1, "s", least=3, aim=1, at_most=True).word == "**missed**"
    assert Verdict("start", "", 2.0, "s", least=3, aim=1, at_most=True).word == "passed"
    assert Verdict("start", "", 1.0, "s", least=3, aim=1, at_most=True).word == "aim reached"
    assert Verdict("start", "", 1.0, "s", least=3, at_most=True).word == "passed"


def test_the_report_shows_everything() -> None:
    report = Report({"commit": "abc"})
    report.add(
        Figures("Start", ("first", "s"), [["health", "1.2"]], "Notes."), [Verdict("start", "x", 4, "s", 3)]
    )
    text = report.markdown()
    for part in ("- commit: abc", "| start | x", "4.00 s", "## Start", "Notes.", "| health | 1.2 |"):
        assert part in text
    assert not report.missed
