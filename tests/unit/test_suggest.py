"""What an unknown header may mean: its words and its cells agree, or nothing is suggested."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from dtm_pipeline.storage.reference import Reference
from sources.document import DeliveryError, Document
from sources.headers import aliases, header_row
from sources.protocol import Delivery
from sources.registry import read_delivery
from sources.suggest import content_of, suggestions


def suggested(reference: Reference, kind: str, header: str, *cells: str | None) -> list[str]:
    table = aliases(reference, kind, with_categories=kind == "master_list", shared=True)
    texts = pl.DataFrame({"c0": list(cells)}, schema={"c0": pl.String})
    return [s.meaning for s in suggestions(texts, header_row([header], 1, table), table)]


@pytest.mark.parametrize(
    ("kind", "header", "cells", "meaning"),
    [
        ("migrant_presence", "Migrant Nationality", ("Egypt", "Sudan"), ["nationality"]),
        ("migrant_presence", "Migrant Nationality", ("300", "350"), []),
        ("camp_list", "2.1.b.7: Total Number of IDP Individuals", ("#affected+ind", "500", "1,200"), ["individuals"]),
        ("camp_list", "2.1.b.7: Total Number of IDP Individuals", ("many", "few"), []),
        ("camp_list", "2.1.b.1: Total Number of IDP Households", ("100", "200"), ["households"]),
        ("camp_list", "Ménages", ("100", "200"), ["households"]),
        ("camp_list", "1.1.a.1: Survey Date", ("2023-05-01", "2023-05-02"), ["reference_date"]),
        ("camp_list", "1.1.a.1: Survey Date", ("often", "rarely"), []),
        ("camp_list", "County", ("Rubkona", "Bor"), []),
        ("camp_list", "County", (None, None), []),
        # a count is never advised to be a category, however near the letters are
        ("master_list", "HH nbr", ("5", "7"), ["households"]),
        ("master_list", "Anbar households", ("5", "7"), ["households"]),
        ("master_list", "From Anbar", ("5", "7"), ["origin/IQG01"]),
        ("master_list", "From Anbar", ("yes", "no"), []),
    ],
)
def test_a_header_is_suggested_for_what_its_words_and_cells_both_say(
    reference: Reference, kind: str, header: str, cells: tuple[str | None, ...], meaning: list[str]
) -> None:
    assert suggested(reference, kind, header, *cells) == meaning


def test_two_columns_are_never_suggested_for_one_field(reference: Reference) -> None:
    table = aliases(reference, "camp_list", shared=True)
    header = header_row(["Site Name", "Name of the site in Arabic"], 1, table)
    texts = pl.DataFrame({"c0": ["A", "B"], "c1": ["C", "D"]})
    assert len({s.target for s in suggestions(texts, header, table)}) == len(suggestions(texts, header, table))


@pytest.mark.parametrize(
    ("cells", "sort"),
    [
        (("1", "2,000"), "counts"),
        (("36.1", "43.2"), "numbers"),
        (("IQ01", "IQ-G02"), "codes"),
        (("03/04/2024", "2024-05-01"), "days"),
        (("13/04/2024", "04/13/2024"), "days"),
        (("a", "b"), "words"),
        (("a", "1"), None),
        ((None, ""), None),
    ],
)
def test_cells_are_of_a_sort_where_most_of_them_are(cells: tuple[str | None, ...], sort: str | None) -> None:
    assert content_of(pl.DataFrame({"c0": list(cells)}, schema={"c0": pl.String}), "c0") == sort


def refusal(folder: Path, text: str, reference: Reference, name: str = "list.csv", **said: str) -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DeliveryError) as refused:
        read_delivery(Document(name, path), Delivery("0" * 64, name, dict(said)), reference)
    return str(refused.value)


def test_a_declared_kind_names_the_columns_it_lacks_and_the_nearest_headers(
    tmp_path: Path, reference: Reference
) -> None:
    told = refusal(tmp_path, "ADM 1 Geodivision (EN),Migrant Nationality,Migrant Individuals\nEast,Egypt,300\n", reference, kind="migrant_presence")  # fmt: skip
    assert "is said to be of migrant_presence, and lacks a governorate and a nationality" in told
    assert "'Migrant Nationality' may be nationality" in told
    assert "add `migrant_presence,nationality,Migrant Nationality,YOUR NAME,YYYY-MM-DD`" in told
    assert 'then: dtm retry "list.csv"' in told
    bare = refusal(tmp_path, "Foo,Bar\nEast,Egypt\n", reference, kind="migrant_presence")
    assert "none of its headers is near one of these" in bare


def test_no_header_that_may_be_a_name_is_quoted(tmp_path: Path, reference: Reference) -> None:
    told = refusal(tmp_path, "Ahmad Secret,0790000000\nLayla Secret,0791111111\n", reference, kind="migrant_presence")
    assert "Secret" not in told


def test_all_facts_that_lack_are_named_at_once_with_the_sidecar_and_the_command(
    tmp_path: Path, reference: Reference
) -> None:
    text = "Governorate,District,Registered families\nX,Y,5\n"
    told = refusal(tmp_path, text, reference, kind="government_registration")
    assert 'say country = "ISO3" and reference_date = "YYYY-MM-DD" and population_group = "GROUP" in a sidecar list.csv.toml' in told  # fmt: skip
    assert 'dtm retry "list.csv" --country ISO3 --date YYYY-MM-DD --group GROUP' in told
    one = refusal(tmp_path, text, reference, kind="government_registration", country="IRQ", reference_date="2024-03-31")
    assert one.startswith("does not say whom it counts; expected one of idp")


def test_a_series_without_headers_asks_for_kind_country_and_group_at_once(tmp_path: Path, reference: Reference) -> None:
    told = refusal(tmp_path, "2013-01-01,5\n2013-01-02,6\n2013-01-03,7\n", reference)
    assert 'dtm retry "list.csv" --as KIND --country ISO3 --group GROUP' in told


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("<html><body><table><tr><th>Place id</th></tr></table></body></html>", "a web page (HTML)"),
        ("\n <!DOCTYPE html><p>x</p>", "a web page (HTML)"),
        (
            '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"></Workbook>',
            "SpreadsheetML",
        ),
        ('<?xml version="1.0"?><records></records>', "is XML;"),
    ],
)
def test_markup_named_as_a_workbook_is_called_what_it_is(
    tmp_path: Path, reference: Reference, text: str, what: str
) -> None:
    told = refusal(tmp_path, text, reference, "Round119_Master_List.xls")
    assert what in told
    assert "save it as XLSX" in told


def test_a_workbook_with_a_password_is_called_that(reference: Reference) -> None:
    # encrypted by msoffcrypto-tool, as Excel does it (ECMA-376, agile)
    locked = Path(__file__).parent / "files" / "workbook_with_password.xlsx"
    with pytest.raises(DeliveryError, match="is a workbook with a password; expected one that opens without"):
        read_delivery(Document(locked.name, locked), Delivery("0" * 64, locked.name, {}), reference)
