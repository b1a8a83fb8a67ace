"""The charts of the report, as Vega-Lite specifications."""

from __future__ import annotations

from typing import Any, cast

import altair as alt
import polars as pl

WIDTH, HEIGHT = 255, 280
SCHEMES = {"idp": "blues", "returnee": "greens", "severity": "orangered"}
MAX_POINTS = 6
GREY = "#dcdcd5"
"""Districts without a value."""

Spec = dict[str, Any]


def district_map(
    values: pl.DataFrame,
    districts: list[dict[str, Any]],
    outline: list[dict[str, Any]],
    title: str,
    scheme: str,
) -> Spec:
    """A map of one measure: districts filled, or circles at centroids in the country's outline.

    Every district is drawn; one without a value is grey.

    Args:
        values: a row a district: admin2_code, admin2_name, value (null where it has none), latitude, longitude.
        districts: GeoJSON features with property `code`; empty without a boundary edition.
        outline: GeoJSON features of the country.
        title: what the colour or size says.
        scheme: key of SCHEMES.
    """
    colour: Any = alt.Scale(scheme=cast("Any", SCHEMES[scheme]))
    if districts:
        known = {r["admin2_code"]: r for r in values.iter_rows(named=True)}
        features = []
        for f in districts:
            row = known.get(f["properties"]["code"], {})
            told = {
                "code": f["properties"]["code"],
                "name": row.get("admin2_name"),
                "value": row.get("value"),
            }
            features.append({**f, "properties": told})
        named = [
            alt.Tooltip("properties.name:N", title="District"),
            alt.Tooltip("properties.code:N", title="Code"),
        ]
        # Vega-Lite drops what has no value: every district lies in grey below those that have one
        ground = (
            alt.Chart(_data(features)).mark_geoshape(fill=GREY, stroke="#ffffff", strokeWidth=0.5).encode(tooltip=named)
        )
        filled = (
            alt.Chart(_data([f for f in features if f["properties"]["value"] is not None]))
            .mark_geoshape(stroke="#ffffff", strokeWidth=0.5)
            .encode(
                color=alt.Color("properties.value:Q", title=None, scale=colour, legend=alt.Legend(format="~s")),
                tooltip=[*named, alt.Tooltip("properties.value:Q", title=title, format=",.0f")],
            )
        )
        layers = alt.layer(ground, filled)
    else:
        ground = alt.Chart(_data(outline)).mark_geoshape(fill="#f1f1ec", stroke="#b5b5ac")
        grey = (
            alt.Chart(values.filter(pl.col("latitude").is_not_null() & pl.col("value").is_null()))
            .mark_circle(size=24, color=GREY, stroke="#b5b5ac", strokeWidth=0.5, opacity=1)
            .encode(
                longitude="longitude:Q",
                latitude="latitude:Q",
                tooltip=[
                    alt.Tooltip("admin2_name:N", title="District"),
                    alt.Tooltip("admin2_code:N", title="Code"),
                ],
            )
        )
        circles = (
            # a field of its own for the size: shared with the colour, the two legends would merge
            alt.Chart(
                values.filter(pl.col("latitude").is_not_null() & pl.col("value").is_not_null()).with_columns(
                    size="value"
                )
            )
            .mark_circle(opacity=0.8, stroke="#ffffff", strokeWidth=0.5)
            .encode(
                longitude="longitude:Q",
                latitude="latitude:Q",
                size=alt.Size("size:Q", title=None, scale=alt.Scale(range=[10, 500]), legend=None),
                color=alt.Color("value:Q", title=None, scale=colour, legend=alt.Legend(format="~s")),
                tooltip=[
                    alt.Tooltip("admin2_name:N", title="District"),
                    alt.Tooltip("admin2_code:N", title="Code"),
                    alt.Tooltip("value:Q", title=title, format=",.0f"),
                ],
            )
        )
        layers = alt.layer(ground, grey, circles)
    return _spec(layers.project(type="mercator").properties(width=WIDTH, height=HEIGHT))


def trend(values: pl.DataFrame) -> Spec:
    """A series over its reference dates: reference_date, individuals, series."""
    base = alt.Chart(values.with_columns(pl.col("reference_date").cast(pl.String))).encode(
        x=alt.X("reference_date:T", title=None),
        y=alt.Y("individuals:Q", title="persons", axis=alt.Axis(format="~s")),
        color=alt.Color("series:N", title=None, legend=alt.Legend(orient="top", labelLimit=420, columns=2)),
        tooltip=[
            alt.Tooltip("series:N", title="Series"),
            alt.Tooltip("reference_date:T", title="Date", format="%d %B %Y"),
            alt.Tooltip("individuals:Q", title="Persons", format=","),
        ],
    )
    return _spec((base.mark_line() + base.mark_point(filled=True, size=25)).properties(width=1010, height=240))


def flows(values: pl.DataFrame) -> Spec:
    """Movements a week at the busiest points, by direction: week, flow_point_name, direction, movements."""
    chart = (
        alt.Chart(values.with_columns(pl.col("week").cast(pl.String)))
        .mark_line()
        .encode(
            x=alt.X("week:T", title=None),
            y=alt.Y("movements:Q", title="movements a week", axis=alt.Axis(format="~s")),
            color=alt.Color("flow_point_name:N", title=None, legend=alt.Legend(orient="top", columns=3)),
            tooltip=[
                alt.Tooltip("flow_point_name:N", title="Point"),
                alt.Tooltip("week:T", title="Week of", format="%d %B %Y"),
                alt.Tooltip("movements:Q", format=","),
            ],
        )
        .properties(width=470, height=200)
        .facet(column=alt.Column("direction:N", title=None))
    )
    return _spec(chart)


def _data(features: list[dict[str, Any]]) -> Any:
    return alt.Data(values=features)  # type: ignore[no-untyped-call]  # generated code of Altair


def _spec(chart: Any) -> Spec:
    alt.data_transformers.disable_max_rows()
    spec: Spec = chart.configure_view(stroke=None).to_dict()
    return spec
