"""Build gazetteer.csv, gazetteer_world.csv, other_codes.csv and outlines.geojson from openly published files.

Run once when a source changes, by hand; the product only reads the results:

    python reference/admin_boundaries/build_gazetteer.py --data FOLDER --world countries-10m.json

FOLDER holds `boundaries/` and `pcodes/` as delivered to the project; `countries-10m.json` is in the
npm package world-atlas 2.0.2 (Natural Earth 1:10 m, public domain). Only facts are taken: codes,
names, parents, one point a unit. No polygon of an administrative unit is kept.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import geopandas as gpd
import polars as pl
from shapely.geometry import mapping
from shapely.geometry.polygon import orient

HERE = Path(__file__).parent
# The global p-code table does not have Jordan: its units are those of the polygons, last updated on this day.
JORDAN_EDITION = "2014-05-30"
COUNTRIES = ("EGY", "IRQ", "JOR", "LBN", "SYR", "TUR")
ISO_NUMERIC = {"IRQ": "368", "SYR": "760", "LBN": "422", "JOR": "400", "TUR": "792", "EGY": "818"}
OUTLINE_TOLERANCE_DEGREES = 0.01


def code_table(data: Path) -> pl.DataFrame:
    """All units of the six countries that the global p-code table lists (Jordan is not in it)."""
    return pl.read_csv(data / "pcodes/six_countries_pcodes_adm_1_2.csv", infer_schema=False).select(
        location_code="Location",
        admin_level=pl.col("Admin Level").cast(pl.Int64),
        code="P-Code",
        name_en="Name",
        parent_code="Parent P-Code",
        valid_from="Valid from date",
    )


def world(data: Path) -> pl.DataFrame:
    """The units of every other country of the global p-code table: codes, names, parents, and since when.

    The second row of the table holds HXL tags. `Unspecified`, which it has of Somalia, is no unit.
    """
    table = pl.read_csv(data / "pcodes/global_pcodes_adm_1_2.csv", skip_rows_after_header=1, infer_schema=False)
    return (
        table.filter(~pl.col("Location").is_in(COUNTRIES) & (pl.col("P-Code") != "Unspecified"))
        .select(
            location_code="Location",
            admin_level=pl.col("Admin Level").cast(pl.Int64),
            code="P-Code",
            name_en="Name",
            parent_code="Parent P-Code",
            valid_from="Valid from date",
        )
        .sort("location_code", "admin_level", "code")
    )


def polygons(data: Path, country: str, level: int) -> pl.DataFrame:
    """Code, English and local name, parent and one inner point of each polygon."""
    frame = gpd.read_parquet(data / f"boundaries/normalised/{country.lower()}_adm{level}.parquet")
    frame = frame[frame[f"adm{level}_pcode"].notna()].dissolve(f"adm{level}_pcode", as_index=False)
    centre = frame.geometry.centroid
    centre = centre.where(centre.within(frame.geometry), frame.geometry.representative_point())
    local = f"adm{level}_name_local"
    return pl.DataFrame(
        {
            "code": frame[f"adm{level}_pcode"].tolist(),
            "polygon_name": frame[f"adm{level}_name"].tolist(),
            "name_local": frame[local].tolist() if local in frame else [None] * len(frame),
            "polygon_parent": [country] * len(frame) if level == 1 else frame["adm1_pcode"].tolist(),
            "latitude": centre.y.round(5).tolist(),
            "longitude": centre.x.round(5).tolist(),
        },
        schema_overrides={"name_local": pl.String},
    )


def turkish_names(data: Path) -> pl.DataFrame:
    folder = data / "boundaries/tur/codab_2025_attrs"
    parts = [
        pl.DataFrame(
            gpd.read_file(folder / f"tur_admbnda_adm{level}_2025.dbf")[[f"ADM{level}_PCODE", f"ADM{level}_TR"]].to_dict(
                "list"
            )
        ).rename({f"ADM{level}_PCODE": "code", f"ADM{level}_TR": "name_tr"})
        for level in (1, 2)
    ]
    return pl.concat(parts).unique("code")


def gazetteer(data: Path) -> pl.DataFrame:
    listed = code_table(data)
    parts = []
    for country in COUNTRIES:
        for level in (1, 2):
            shapes = polygons(data, country, level)
            known = listed.filter(location_code=country, admin_level=level)
            if known.is_empty():  # Jordan: the polygons are the only list of units
                known = shapes.select(
                    location_code=pl.lit(country),
                    admin_level=pl.lit(level, pl.Int64),
                    code="code",
                    name_en="polygon_name",
                    parent_code="polygon_parent",
                    valid_from=pl.lit(JORDAN_EDITION),
                )
            parts.append(known.join(shapes.drop("polygon_name", "polygon_parent"), on="code", how="left"))
    table = pl.concat(parts).join(turkish_names(data), on="code", how="left")
    return (
        table.with_columns(
            name_local=pl.coalesce("name_local", "name_tr"),
            edition=pl.lit("cod-ab-") + pl.col("valid_from"),
            source=pl.lit("OCHA p-code table (Jordan: polygons); local name and point: published polygons"),
        )
        .drop("name_tr", "valid_from")
        .sort("location_code", "admin_level", "code")
    )


def other_codes(data: Path) -> pl.DataFrame:
    """UNHCR's codes of Turkish and Egyptian units: by the unit of COD-AB that is drawn at the same place."""
    parts = []
    for country, level in (("TUR", 1), ("TUR", 2), ("EGY", 2)):
        folder = data / "boundaries" / country.lower()
        theirs = gpd.read_file(folder / f"ADM{level}.shp").to_crs("EPSG:4326")
        theirs = theirs[theirs["idprogres"].notna()]
        theirs = theirs[~theirs["idprogres"].duplicated(keep=False)]
        ours = gpd.read_parquet(data / f"boundaries/normalised/{country.lower()}_adm{level}.parquet")
        code = f"adm{level}_pcode"
        inner = gpd.GeoDataFrame(theirs[["idprogres"]], geometry=theirs.geometry.representative_point(), crs=theirs.crs)
        met = gpd.sjoin(inner, ours[ours[code].notna()][[code, "geometry"]], predicate="intersects")
        met = met[~met["idprogres"].duplicated(keep=False)]
        parts.append(
            pl.DataFrame(
                {"other_code": met["idprogres"].tolist(), "code": met[code].tolist()},
                schema={"other_code": pl.String, "code": pl.String},
            ).with_columns(
                location_code=pl.lit(country),
                system=pl.lit("UNHCR"),
                source=pl.lit("UNHCR boundary file, matched by place to COD-AB's polygons"),
            )
        )
    columns = ["location_code", "system", "other_code", "code", "source"]
    return pl.concat(parts).select(columns).sort("location_code", "other_code")


def outlines(world: Path) -> dict[str, object]:
    frame = gpd.read_file(world, layer="countries")
    features = []
    for country, number in ISO_NUMERIC.items():
        shape = frame[frame["id"].astype(str).str.zfill(3) == number].geometry.union_all()
        shape = shape.simplify(OUTLINE_TOLERANCE_DEGREES)
        parts = [p for p in getattr(shape, "geoms", [shape]) if p.area > 0.002]
        for part in parts:
            # d3-geo reads a ring as clockwise, the reverse of GeoJSON's own rule
            ring = mapping(orient(part, sign=-1.0))
            ring = json.loads(json.dumps(ring), parse_float=lambda x: round(float(x), 4))
            features.append({"type": "Feature", "properties": {"location_code": country}, "geometry": ring})
    return {"type": "FeatureCollection", "features": features}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--world", type=Path, required=True)
    arguments = parser.parse_args()
    gazetteer(arguments.data).write_csv(HERE / "gazetteer.csv")
    world(arguments.data).write_csv(HERE / "gazetteer_world.csv")
    other_codes(arguments.data).write_csv(HERE / "other_codes.csv")
    text = json.dumps(outlines(arguments.world), separators=(",", ":"), ensure_ascii=False)
    (HERE / "outlines.geojson").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
