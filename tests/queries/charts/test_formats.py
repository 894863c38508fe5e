"""Formats of numbers and instants, as text and as D3 has them."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.queries.charts.formats import PLAIN, d3_time, moment_text, number_format


@pytest.mark.parametrize(
    ("pattern", "value", "text", "d3"),
    [
        ("0,0", "1234567.5", "1,234,568", ",.0f"),
        ("0,0.00", "1234567.5", "1,234,567.50", ",.2f"),
        ("0.00", -1.005, "-1.00", ".2f"),
        ("0,0[.]00", "12", "12", ",.2~f"),
        ("0,0[.]00", "12.5", "12.5", ",.2~f"),
        ("0.0[00]", "1.25", "1.25", ".3~f"),
        ("0.0[00]", "1", "1.0", ".3~f"),
        ("0%", "0.256", "26%", ".0%"),
        ("0[.]00%", "0.25", "25%", ".2~%"),
        ("$0,0.00", "5", "$5.00", "$,.2f"),
        ("0", "12345678901234567890123", "12345678901234567890123", ".0f"),
        ("0,0", "-0.2", "0", ",.0f"),
        ("0,0", "not a number", "not a number", ",.0f"),
        ("0,0", "NaN", "NaN", ",.0f"),
    ],
)
def test_numbers(pattern: str, value: Any, text: str, d3: str) -> None:
    form = number_format(pattern)
    assert (form.text(value), form.d3) == (text, d3)


@pytest.mark.parametrize("pattern", ["", None, 5, "x", "0,0;drop", "{}", "0" * 1000 + "x"])
def test_what_is_no_format(pattern: Any) -> None:
    assert number_format(pattern) is PLAIN
    assert PLAIN.text("1234.5") == "1,234.5"


@pytest.mark.parametrize(
    ("pattern", "text", "d3"),
    [
        ("DD/MM/YYYY HH:mm", "07/02/2025 21:06", "%d/%m/%Y %H:%M"),
        ("YYYY-MM-DD", "2025-02-07", "%Y-%m-%d"),
        ("MMM D, YY", "Feb 7, 25", "%b %-d, %y"),
        ("100% YYYY", "100% 2025", "100%% %Y"),
        ("Q YYYY", "1 2025", "%q %Y"),
    ],
)
def test_instants(pattern: str, text: str, d3: str) -> None:
    assert moment_text("2025-02-07T21:06:11.523Z", pattern) == text
    assert d3_time(pattern) == d3


def test_what_is_no_instant() -> None:
    assert moment_text("2025-02-07", "HH:mm") == "00:00"
    assert moment_text("yesterday", "YYYY") == "yesterday"
    assert moment_text("2025-02-07", None) == "2025-02-07"
    assert d3_time("-") is None and d3_time("Y" * 1000) is None
