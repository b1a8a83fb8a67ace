"""The first page of a release: headline figures, maps, flows, and what was quarantined and why.

Self-contained files without network. The page of a release is for partners: deliveries are told by number and kind, and what
was rejected by counts. The page of the home is for its analysts, and names files, sheets and rows. Neither has people's data.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from dtm_pipeline.contracts.core import FINDINGS
from dtm_pipeline.contracts.raw import QUARANTINE
from dtm_pipeline.domain.aggregate import known_sum
from dtm_pipeline.places.shapes import district_features, outline_features
from dtm_pipeline.release.charts import MAX_POINTS, Spec, district_map, flows, trend
from dtm_pipeline.release.gates import GateResult
from dtm_pipeline.release.reviews import review_records
from dtm_pipeline.storage.home import Home
from dtm_pipeline.storage.reference import Reference
from dtm_pipeline.storage.snapshots import Snapshot
from dtm_pipeline.storage.tables import stored

VEGA_LITE = "6.4"
SHOWN_ROWS = 60
GROUP_NAMES = {"idp": "IDPs", "idp_returnee": "Returnees", "returnee_from_abroad": "Returnees from abroad"}
STYLE = """
:root{--ink:#1d2b36;--quiet:#5b6b76;--line:#dfe4e8;--accent:#0b5c8a}
body{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;color:var(--ink);margin:0;background:#f6f8f9}
main{max-width:1120px;margin:0 auto;padding:24px}
h1{font-size:26px;margin:0 0 4px}h2{font-size:20px;margin:36px 0 8px;border-top:2px solid var(--accent);padding-top:14px}
h3{font-size:15px;margin:18px 0 6px}p.quiet,.quiet{color:var(--quiet);margin:0 0 8px}
.cards{display:flex;flex-wrap:wrap;gap:14px;margin:14px 0}
.card{background:#fff;border:1px solid var(--line);border-radius:8px;padding:14px 18px;min-width:210px}
.card b{display:block;font-size:26px;line-height:1.2}.card .label{color:var(--quiet);font-size:13px}
.maps{display:flex;flex-wrap:wrap;gap:14px}.panel{background:#fff;border:1px solid var(--line);border-radius:8px;padding:12px;overflow-x:auto}
table{border-collapse:collapse;background:#fff;width:100%;font-size:13.5px}
th,td{border-bottom:1px solid var(--line);padding:5px 9px;text-align:left;vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.good{color:#1b6e3c}.bad{color:#a3261f;font-weight:600}
"""


class Page:
    """Parts of the page in order, and the charts that its script draws."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.charts: dict[str, Spec] = {}

    def add(self, html: str) -> None:
        self.parts.append(html)

    def chart(self, name: str, spec: Spec) -> str:
        self.charts[name] = spec
        return f'<div id="{name}"></div>'

    def table(self, headers: list[str], rows: list[list[Any]]) -> None:
        """A table; numbers stand right with thousands apart."""

        def cell(value: Any) -> str:
            number = isinstance(value, int | float) and not isinstance(value, bool)
            text = "" if value is None else f"{value:,}" if number else escape(str(value))
            return f'<td class="n">{text}</td>' if number else f"<td>{text}</td>"

        body = "".join(f"<tr>{''.join(cell(v) for v in row)}</tr>" for row in rows)
        right = [any(isinstance(row[i], int | float) for row in rows) for i in range(len(headers))]
        head = "".join(f"<th{' class=n' if n else ''}>{escape(h)}</th>" for h, n in zip(headers, right, strict=True))
        self.add(f'<div class="panel"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>')


def write_reports(
    for_partners: Path,
    for_home: Path,
    name: str,
    tables: dict[str, pl.DataFrame],
    home: Home,
    reference: Reference,
    snapshots: list[Snapshot],
    gates: list[GateResult],
    kept: dict[str, str],
) -> None:
    """Write both pages.

    Args:
        for_partners: the page that leaves with the release.
        for_home: the page that stays with its analysts.
        kept: countries whose newer figures a gate refused, and why.
    """
    page = Page()
    used = [s for s in snapshots if s.status == "accepted"]
    demo = " Demo: these figures are invented." if home.is_demo else ""
    page.add(
        f"<h1>Displacement figures</h1><p class='quiet'>Release {escape(name)}, for partners. {len(used)} deliveries.{demo}</p>"
    )
    countries = sorted({c for s in used for c in s.countries})
    for country in countries:
        _country(page, country, tables, home, reference)
        if country in kept:
            page.add(f"<p class='kept'>{escape(_kept(country, kept[country], tables))}</p>")
    inner = Page()
    inner.parts, inner.charts = [*page.parts], page.charts
    inner.parts[0] = inner.parts[0].replace(
        "for partners", "for the analysts of this home: it names files, and does not leave"
    )
    _reviews(page, home, {s.sha256: s.number for s in snapshots}, "They wait for a decision of the publisher.")
    _reviews(inner, home, {s.sha256: s.name for s in snapshots}, SETTLE)
    _accounts(page, home, snapshots)
    _quality(inner, home, snapshots)
    for part in (page, inner):
        _compared(part, gates, tables)
        _meaning(part)
    for_partners.write_text(_html(page, name), encoding="utf-8")
    for_home.write_text(_html(inner, name), encoding="utf-8")


def _kept(country: str, why: str, tables: dict[str, pl.DataFrame]) -> str:
    """What a reader must know of a country whose newer figures were refused."""
    rounds = tables["out_meta__round"].filter(location_code=country)
    release, newest = rounds["kept_from_release"].drop_nulls(), str(rounds.filter("leads")["reference_date"].max())
    if release.is_empty():
        return f"No figures of {country}: a publication gate refused them, and there are none before. {why}."
    age = str(rounds["kept_age_days"].max())
    return f"Figures of {country} are those of release {release[0]}, up to {newest} ({age} days before the newest date of this release): a publication gate refused newer ones. {why}."


def _country(page: Page, country: str, tables: dict[str, pl.DataFrame], home: Home, reference: Reference) -> None:
    title = reference.countries.get(country, {}).get("name", country)
    page.add(f"<h2>{escape(title)}</h2>")
    series = _series_over_time(tables, country)
    if not series.is_empty():
        _cards(page, series, tables, country)
        _maps(page, country, tables, home, reference)
        page.add(
            "<h3>Stocks over time</h3><p class='quiet'>Each date is a count of its own; dates are never added. Gaps are dates without a round.</p>"
        )
        page.add(f"<div class='panel'>{page.chart(f'trend_{country}', trend(series))}</div>")
        _changes(page, tables, country)
        _largest(page, tables, country)
    flow = tables["out_dtm__border_flow_daily"].filter(location_code=country)
    if not flow.is_empty():
        page.add(
            "<h3>Border flows</h3><p class='quiet'>Movements counted a week at the busiest points, not persons. Weeks in which a point has fewer than seven days on record are left out.</p>"
        )
        page.add(f"<div class='panel'>{page.chart(f'flow_{country}', flows(_weekly(flow)))}</div>")


def _series_over_time(tables: dict[str, pl.DataFrame], country: str) -> pl.DataFrame:
    titles = tables["out_meta__series"].select("series_id", "title", "headline", "status")
    parts = [
        tables[f"out_dtm__governorate_{name}"]
        .filter(location_code=country)
        .group_by("series_id", "population_group", "reference_date")
        .agg(known_sum(f"{name}_individuals").alias("individuals"))
        for name in ("idp", "returnee")
    ]
    return pl.concat(parts).join(titles, on="series_id").rename({"title": "series"}).sort("series_id", "reference_date")


CHANGE_PARTS = {
    "panel_change": "same locations",
    "newly_listed": "newly listed",
    "emptied": "emptied",
    "not_reassessed": "not reassessed",
    "left_unexplained": "no longer listed, not known why",
    "merged_or_split": "merged or split",
    "rule_or_category": "rule or area changed",
}


def _changes(page: Page, tables: dict[str, pl.DataFrame], country: str) -> None:
    """What the newest change of each headline series is made of, in people."""
    headline = tables["out_meta__series"].filter("headline")["series_id"]
    parts = [f"{part}_individuals" for part in CHANGE_PARTS]
    newest = tables["out_dtm__governorate_change"].filter(
        pl.col("location_code") == country,
        pl.col("series_id").is_in(headline.to_list()),
        pl.col("reference_date") == pl.col("reference_date").max().over("series_id"),
    )
    key = ["series_id", "previous_reference_date", "reference_date"]
    # of a series with an area whose parts are unknown, a sum would be of the rest
    known = newest.filter(pl.col("panel_change_individuals").is_not_null().all().over("series_id"))
    sums = known.group_by(key).agg(pl.col("change_individuals", *parts).sum()).sort(key)
    if sums.is_empty():
        return
    page.add(
        "<h3>What the newest change is made of</h3><p class='quiet'>People. A change is not only movement: lists gain and lose "
        "locations, rounds do not reach all of them, rules change. `dtm explain` follows any figure back to the rows it came from.</p>"
    )
    rows = [
        [
            f"{r['series_id']}, {r['previous_reference_date']} to {r['reference_date']}",
            r["change_individuals"],
            *(r[p] for p in parts),
        ]
        for r in sums.iter_rows(named=True)
    ]
    page.table(["series", "change", *CHANGE_PARTS.values()], rows)


def _cards(page: Page, series: pl.DataFrame, tables: dict[str, pl.DataFrame], country: str) -> None:
    cards = []
    latest = set(tables["out_dtm__latest"].filter(location_code=country)["series_id"])
    rounds = tables["out_meta__round"].filter("leads", location_code=country)
    partial = set(rounds.filter(status="partial").select("series_id", "reference_date").rows())
    for (series_id,), rows in series.partition_by("series_id", as_dict=True, maintain_order=True).items():
        last = rows.row(-1, named=True)
        change = "first date on record"
        if rows.height > 1:
            before = rows.row(-2, named=True)
            change = f"change since {before['reference_date']:%d %b %Y} not known"
            if last["individuals"] is not None and before["individuals"] is not None:
                moved = last["individuals"] - before["individuals"]
                share = f" ({moved / before['individuals']:+.1%})" if before["individuals"] else ""
                change = f"{moved:+,}{share} since {before['reference_date']:%d %b %Y}"
        who = GROUP_NAMES.get(last["population_group"], last["population_group"])
        if (series_id, last["reference_date"]) in partial:
            change += "<br><b class='bad' style='font-size:13px'>partial: not all of the date is in it</b>"
        kind = "" if series_id in latest else f"<br><span class='label'>{escape(last['series'])}</span>"
        cards.append(
            f"<div class='card'><span class='label'>{escape(who)} on {last['reference_date']:%d %B %Y}</span>"
            f"<b>{'people not known' if last['individuals'] is None else format(last['individuals'], ',')}</b><span class='label'>{change}</span>{kind}</div>"
        )
    page.add(f"<div class='cards'>{''.join(cards)}</div>")
    overlap = ""
    if len(cards) > series["population_group"].n_unique():
        overlap = " Series of one population group may count the same people: they are never added."
    page.add(
        f"<p class='quiet'>A change is not only movement: lists gain and lose locations, and rules change.{overlap}</p>"
    )


def _maps(
    page: Page,
    country: str,
    tables: dict[str, pl.DataFrame],
    home: Home,
    reference: Reference,
) -> None:
    districts, outline = (
        district_features(home.boundaries, country),
        outline_features(reference.folder, country),
    )
    if not districts and not outline:
        page.add(
            "<p class='quiet'>No map: no boundary edition is imported for this country (dtm boundaries import).</p>"
        )
        return
    units = tables["out_meta__admin_unit"].filter(location_code=country, admin_level=2)
    points = units.select("latitude", "longitude", admin2_code="code", admin2_name="name_en")
    panels = []
    latest = tables["out_dtm__latest"].filter(location_code=country)["series_id"].unique().to_list()
    # series of one group may count the same people, and models measure different things: each has a map of its own
    for name, label in (("idp", "IDPs"), ("returnee", "Returnees")):
        frame = tables[f"out_dtm__district_{name}"].filter(location_code=country)
        own = frame.filter(pl.col("series_id").is_in(latest))
        apart = _apart(frame if own.is_empty() else own, ["series_id", "population_group"])
        for number, (_, one) in enumerate(apart):
            title = label if len(apart) == 1 and not own.is_empty() else f"{label}, {one['series_id'][0]}"
            chart = f"{name}_{country}" + (f"_{number}" if len(apart) > 1 else "")
            panels += _map_of(page, one, f"{name}_individuals", title, chart, name, points, districts, outline)
    scores = tables["out_dtm__district_severity_score"].filter(location_code=country)
    apart = _apart(scores, ["index_name", "model_version", "series_id"])
    for number, (index, one) in enumerate(apart):
        title = "Severity (illustrative)" + (f", {index}" if len(apart) > 1 else "")
        chart = f"severity_{country}" + (f"_{number}" if len(apart) > 1 else "")
        panels += _map_of(page, one, "score_mean", title, chart, "severity", points, districts, outline)
    if not panels:
        page.add("<p class='quiet'>No map: the provider gives no figures by district.</p>")
        return
    ground = "boundary edition imported in this home" if districts else "circles at district centroids"
    page.add(
        f"<h3>By district</h3><p class='quiet'>Newest date of each series; {ground}. Grey: no figure; whether a district was not assessed, is unknown or is zero stands in out_meta__coverage. Boundaries imply no opinion on the status of any area.</p>"
    )
    page.add(f"<div class='maps'>{''.join(panels)}</div>")


def _apart(frame: pl.DataFrame, keys: list[str]) -> list[tuple[str, pl.DataFrame]]:
    """Rows of each of the keys, in their order, with what tells them apart."""
    return [
        (" ".join(map(str, told)), rows)
        for told, rows in frame.sort(keys).partition_by(keys, as_dict=True, maintain_order=True).items()
    ]


def _map_of(
    page: Page,
    frame: pl.DataFrame,
    measure: str,
    label: str,
    name: str,
    scheme: str,
    points: pl.DataFrame,
    districts: list[dict[str, Any]],
    outline: list[dict[str, Any]],
) -> list[str]:
    """A panel with the map of the newest date, or none where no district has a figure.

    Args:
        frame: one series, or one severity model: a row a district and date.
    """
    placed = frame.filter(pl.col("admin2_code").is_not_null() & pl.col(measure).is_not_null())
    if placed.is_empty():
        return []
    newest: Any = placed["reference_date"].max()
    told = placed.filter(pl.col("reference_date") == newest).select("admin2_code", "admin2_name", value=measure)
    # every district of the country is drawn: one of which nothing stands is grey
    values = points.join(told, on="admin2_code", how="full", coalesce=True).with_columns(
        admin2_name=pl.coalesce("admin2_name", "admin2_name_right")
    )
    chart = page.chart(name, district_map(values, districts, outline, label, scheme))
    return [f"<div class='panel'><h3>{escape(label)}, {newest:%d %B %Y}</h3>{chart}</div>"]


def _largest(page: Page, tables: dict[str, pl.DataFrame], country: str) -> None:
    latest = tables["out_dtm__latest"].filter(location_code=country)
    if latest.is_empty():
        page.add(
            "<p class='quiet'>No headline series of this country is on record: reference/series.toml lists none for these operations, so no figure is called the country's own.</p>"
        )
        return
    rows = latest.sort("individuals", descending=True, nulls_last=True).head(12)
    page.add("<h3>Largest stocks now</h3>")
    page.table(
        [
            "District",
            "Governorate",
            "Who",
            "Reference date",
            "Age (days)",
            "Households",
            "Individuals",
            "Basis",
        ],
        [
            [
                r["admin2_name"] or "district not known",
                r["admin1_name"] or "not known",
                GROUP_NAMES.get(r["population_group"], r["population_group"]),
                r["reference_date"].isoformat(),
                r["age_days"],
                r["households"],
                r["individuals"],
                r["individuals_basis"],
            ]
            for r in rows.iter_rows(named=True)
        ],
    )


def _weekly(flow: pl.DataFrame) -> pl.DataFrame:
    """Whole weeks of the points with most movements."""
    busiest = flow.group_by("flow_point_id").agg(pl.col("movements").sum()).top_k(MAX_POINTS, by="movements")
    return (
        flow.join(busiest.select("flow_point_id"), on="flow_point_id")
        .group_by("flow_point_name", "direction", week=pl.col("observed_on").dt.truncate("1w"))
        .agg(pl.col("movements").sum(), days=pl.col("observed_on").n_unique())
        .filter(pl.col("days") == 7)
        .sort("flow_point_name", "direction", "week")
    )


SETTLE = "<code>dtm review</code> lists them, <code>dtm review accept ID --by NAME --reason WHY</code> or <code>reject</code> settles each."


def _reviews(page: Page, home: Home, names: dict[str, str], what_next: str) -> None:
    """What is held, was decided or is doubtful.

    Args:
        names: what each delivery is called on the page.
        what_next: what becomes of what is held.
    """
    records = review_records(home)
    if not records:
        return
    held = [r for r in records if r["state"] == "held"]
    page.add("<h2>Held, decided, doubtful</h2>")
    if held:
        page.add(f"<p class='bad'>Statements that are held, and are in no table: {len(held)}. {what_next}</p>")
    page.table(
        ["Id", "What", "Delivery", "Statement", "By", "Why"],
        [[r["review_id"], r["state"], names.get(r["snapshot_id"], ""), r["sentence"], r["by"], r["reason"]] for r in records[:SHOWN_ROWS]],
    )  # fmt: skip
    if len(records) > SHOWN_ROWS:
        page.add(f"<p class='quiet'>And {len(records) - SHOWN_ROWS} more.</p>")


def _accounts(page: Page, home: Home, snapshots: list[Snapshot]) -> None:
    """What was taken and rejected, in counts: deliveries by number and kind, rules and findings by their names."""
    used, refused = ([s for s in snapshots if s.status == told] for told in ("accepted", "refused"))
    page.add("<h2>What was taken, quarantined and refused</h2>")
    page.add(
        f"<p class='quiet'>{len(used)} deliveries were taken, {len(refused)} refused. Numbers are those of the producer's own list.</p>"
    )
    counted = ("rows_in", "rows_rejected", "persons_rejected")
    page.table(
        ["Delivery", "Kind", "Rows", "Rejected rows", "Rejected persons"],
        [[str(s.ingest_sequence), s.kind, *(s.report.get(n) for n in counted)] for s in used],
    )
    rows = stored(home.warehouse, QUARANTINE).read_all().filter(pl.col("snapshot_id").is_in([s.sha256 for s in used]))
    rules = rows.group_by("rule").agg(rows=pl.struct("snapshot_id", "source_sheet", "source_row").n_unique())
    if rules.is_empty():
        page.add("<p>No row was quarantined.</p>")
    else:
        page.add("<h3>Quarantined rows by rule</h3><p class='quiet'>They are in no figure.</p>")
        page.table(["Rule", "Rows"], [list(r) for r in rules.sort("rows", "rule", descending=[True, False]).rows()])
    findings = Counter(str(f["finding"]) for s in used for f in s.report.get("findings", []))
    for table in FINDINGS:
        findings.update(stored(home.warehouse, table).read_all(columns=["finding"])["finding"].to_list())
    if findings:
        page.add("<h3>Findings by kind</h3><p class='quiet'>What was used, and was looked at.</p>")
        page.table(["Finding", "Times"], [[name, count] for name, count in sorted(findings.items())])


def _quality(page: Page, home: Home, snapshots: list[Snapshot]) -> None:
    page.add("<h2>What was taken, quarantined and refused</h2>")
    page.table(
        ["Delivery", "Kind", "Status", "Rows", "Rejected rows", "Rejected persons", "Why"],
        [
            [
                s.name,
                s.kind,
                s.status,
                s.report.get("rows_in"),
                s.report.get("rows_rejected"),
                s.report.get("persons_rejected"),
                s.reason,
            ]
            for s in snapshots
        ],
    )
    names = {s.sha256: s.name for s in snapshots}
    _quarantine(page, home, names)
    _findings(page, home, snapshots, names)


def _compared(page: Page, gates: list[GateResult], tables: dict[str, pl.DataFrame]) -> None:
    """Sources beside the one that leads, and what the gates found."""
    rounds = tables["out_meta__round"].filter(~pl.col("leads") & (pl.col("difference_individuals") != 0))
    if not rounds.is_empty():
        page.add("<h3>Sources that differ from the one that leads</h3>")
        page.table(
            ["Series", "Date", "Source", "Level", "Individuals", "Difference"],
            [
                [
                    r["series_id"],
                    r["reference_date"].isoformat(),
                    r["source_kind"],
                    r["admin_level"],
                    r["individuals"],
                    r["difference_individuals"],
                ]
                for r in rounds.head(SHOWN_ROWS).iter_rows(named=True)
            ],
        )
    page.add("<h3>Publication gates</h3>")
    page.table(
        ["Gate", "Table", "Expectation", "Result"],
        [[g.gate, g.table, g.sentence, "passed" if g.passed else "failed"] for g in gates],
    )


def _quarantine(page: Page, home: Home, names: dict[str, str]) -> None:
    rows = stored(home.warehouse, QUARANTINE).read_all().filter(pl.col("snapshot_id").is_in(list(names)))
    if rows.is_empty():
        page.add("<p>No row was quarantined.</p>")
        return
    page.add(
        f"<h3>Quarantined rows ({rows.height})</h3><p class='quiet'>By file and row; values stay in the home (dtm quarantine show).</p>"
    )
    ordered = rows.sort("snapshot_id", "source_sheet", "source_row")
    page.table(
        ["Delivery", "Sheet", "Row", "Column", "What should hold"],
        [
            [names[r["snapshot_id"]], r["source_sheet"], str(r["source_row"]), r["column"], r["sentence"]]
            for r in ordered.head(SHOWN_ROWS).iter_rows(named=True)
        ],
    )
    _more(page, rows.height)


def _more(page: Page, rows: int) -> None:
    if rows > SHOWN_ROWS:
        page.add(f"<p class='quiet'>{SHOWN_ROWS} of {rows:,} are shown.</p>")


def _findings(page: Page, home: Home, snapshots: list[Snapshot], names: dict[str, str]) -> None:
    """What was used and should be looked at: from reading the deliveries, and from placing and comparing them."""
    told = [
        [
            s.name,
            f["source_sheet"],
            None if f["source_row"] is None else str(f["source_row"]),
            f["finding"],
            f["sentence"],
        ]
        for s in snapshots
        if s.status == "accepted"
        for f in s.report.get("findings", [])
    ]
    for table in FINDINGS:
        for r in stored(home.warehouse, table).read_all().sort("snapshot_id", "source_row").iter_rows(named=True):
            row = None if r["source_row"] is None else str(r["source_row"])
            told.append([names.get(r["snapshot_id"]), r["source_sheet"], row, r["finding"], r["sentence"]])
    if not told:
        return
    counts = Counter(str(t[3]) for t in told)
    page.add(
        f"<h3>Findings ({len(told)})</h3><p class='quiet'>{escape(', '.join(f'{k}: {v:,}' for k, v in sorted(counts.items())))}</p>"
    )
    shown: list[list[Any]] = []
    for kind in sorted(counts):
        shown += [t for t in told if t[3] == kind][: max(5, SHOWN_ROWS // len(counts))]
    page.table(["Delivery", "Sheet", "Row", "Finding", "In words"], shown)
    if len(shown) < len(told):
        page.add(
            f"<p class='quiet'>{len(shown)} of {len(told):,} are shown; all are in dtm quarantine list --findings.</p>"
        )


def _meaning(page: Page) -> None:
    page.add(
        "<h2>What a figure means</h2><ul>"
        "<li>A stock counts people at one date; it is never summed over dates or over series that overlap.</li>"
        "<li>Null is unknown, not zero; a district that is missing was not assessed.</li>"
        "<li>Flows are movements, not persons.</li>"
        "<li>Severity is of conditions at locations by an illustrative model; it is not people in need and not IOM's own score.</li>"
        "</ul>"
    )


def _html(page: Page, name: str) -> str:
    import vl_convert

    def script(value: object) -> str:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)
        return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")

    library = vl_convert.javascript_bundle(vl_version=VEGA_LITE) if page.charts else ""  # type: ignore[call-arg]  # its stub asks for a snippet
    calls = 'const options={mode:"vega-lite",actions:false,renderer:"svg"};' + "".join(
        f'vegaEmbed("#{k}",{script(spec)},options).catch(e=>console.error("{k}",e));' for k, spec in page.charts.items()
    )
    body = "\n".join(page.parts)
    # two modules: the library's own names must not meet those of the calls
    drawn = f'<script type="module">{library}</script><script type="module">{calls}</script>' if page.charts else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Displacement figures {escape(name)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head>'
        f"<body><main>{body}</main>{drawn}</body></html>\n"
    )


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"a chart can't hold {type(value).__name__}")
