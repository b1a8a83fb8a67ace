"""`dtm releases`: list, path, show, verify. Reads only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from dtm_pipeline.cli.common import SURROUNDINGS, HomeOption, JsonOption, fail, open_home, print_json, print_rows

app = typer.Typer(help="The releases of a home.", no_args_is_help=True, rich_markup_mode=None)
NameArgument = Annotated[
    str | None, typer.Argument(help="Name of the release, such as 2026-11-21.1. [default: the latest]")
]


@app.command("list")
def list_(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the releases, oldest first; the latest is marked. One that can't be read is told (exit code 74), and the others are listed."""
    from dtm_pipeline.release.pointer import ReleaseError, all_releases, latest_release
    from dtm_pipeline.release.withdraw import read_withdrawals

    place = open_home(home)
    damaged: list[str] = []
    try:
        latest = latest_release(place.releases)
    except ReleaseError as error:
        latest = None
        damaged.append(str(error))
    withdrawn = {w.release: f"by {w.by} on {w.on[:10]}: {w.reason}" for w in read_withdrawals(place.releases)}
    rows: list[dict[str, Any]] = []
    for release in all_releases(place.releases):
        try:
            manifest = release.manifest()
        except ReleaseError as error:
            manifest = {}
            damaged.append(str(error))
        rows.append(
            {
                "release": release.name,
                "latest": latest is not None and latest.name == release.name,
                "withdrawn": withdrawn.get(release.name),
                "created_at": manifest.get("created_at"),
                "deliveries": len(manifest["snapshots"]) if "snapshots" in manifest else None,
                "content_sha256": manifest.get("content_sha256"),
            }
        )
    if as_json:
        print_json(rows)
    elif rows:
        print_rows(
            ["release", "created", "deliveries", "content", ""],
            [
                [
                    r["release"],
                    r["created_at"] or "can't be read",
                    "" if r["deliveries"] is None else r["deliveries"],
                    (r["content_sha256"] or "")[:12],
                    "latest" if r["latest"] else f"withdrawn: {r['withdrawn']}" if r["withdrawn"] else "",
                ]
                for r in rows
            ],
        )
    else:
        typer.echo("no release yet; run `dtm run`")
    for sentence in damaged:
        typer.echo(f"damaged: {sentence}", err=True)
    if damaged:
        raise typer.Exit(SURROUNDINGS)


@app.command()
def path(name: NameArgument = None, home: HomeOption = None) -> None:
    """Print the folder of a release."""
    from dtm_pipeline.release.pointer import ReleaseError, find_release

    try:
        typer.echo(str(find_release(open_home(home).releases, name).folder))
    except ReleaseError as error:
        fail(str(error))


@app.command()
def show(name: NameArgument = None, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show what a release holds, and what changed with it."""
    import json

    from dtm_pipeline.release.pointer import ReleaseError, find_release

    try:
        release = find_release(open_home(home).releases, name)
        manifest = release.manifest()
    except ReleaseError as error:
        fail(str(error))
    changes = json.loads((release.folder / "changes.json").read_text(encoding="utf-8"))
    if as_json:
        print_json({"manifest": manifest, "changes": changes})
        return
    typer.echo(f"release {release.name}, made {manifest['created_at']}, after {manifest['previous_release'] or 'none'}")
    print_rows(
        ["file", "rows", "bytes"],
        [[f["path"], f.get("rows"), f["bytes"]] for f in manifest["files"]],
    )
    moved = changes["figures_moved"]
    typer.echo(f"{len(moved)} country figures moved; new deliveries: {len(changes['because']['new_deliveries'])}")
    if moved:
        print_rows(
            ["series", "reference date", "before", "now"],
            [[m["series_id"], m["reference_date"], m["before"], m["now"]] for m in moved[:20]],
        )


@app.command()
def verify(
    name: NameArgument = None,
    key: Annotated[
        Path | None, typer.Option("--key", help="Public key of the publisher: the release must be signed by it.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Check that every file of a release is there and has the bytes that were released, and its signature where it has one."""
    from dtm_pipeline.release.pointer import DamagedReleaseError, ReleaseError, find_release
    from dtm_pipeline.release.pointer import verify as verify_release
    from dtm_pipeline.release.signature import SignatureError, signed_by

    try:
        release = find_release(open_home(home).releases, name)
    except DamagedReleaseError as error:
        fail(str(error), code=1)
    except ReleaseError as error:
        fail(str(error))
    problems, signer = verify_release(release), None
    try:
        signer = signed_by(release, key)
    except (SignatureError, ReleaseError) as error:
        problems.append(str(error))
    for problem in problems:
        typer.echo(f"dtm: {release.name}: {problem}", err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"release {release.name} is whole: {len(release.manifest()['files'])} files")
    if signer:
        known = (
            "the key that you named"
            if key
            else "a key that the release names itself: compare it with the publisher's, or say --key"
        )
        typer.echo(f"signed by {signer} ({known})")


@app.command("key")
def key_(file: Annotated[Path, typer.Argument(help="File of the private key; FILE.pub is the public one.")]) -> None:
    """Make a pair of keys to sign releases with: runs with DTM_SIGN_KEY=FILE sign, readers verify with FILE.pub."""
    from dtm_pipeline.release.signature import SignatureError, make_key

    try:
        public = make_key(file)
    except SignatureError as error:
        fail(str(error))
    typer.echo(f"private key, yours alone: {file} (DTM_SIGN_KEY={file} dtm run signs with it)")
    typer.echo(f"public key, for readers: {public} (dtm releases verify --key {public})")


@app.command()
def withdraw(
    name: Annotated[str, typer.Argument(help="Name of the release, such as 2026-11-21.1.")],
    by: Annotated[str, typer.Option("--by", help="Who decided it, by name.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for its readers.")],
    home: HomeOption = None,
) -> None:
    """Take a release back: its folder stays, and readers of the latest go to the newest whole one that stands.

    It stands in `releases/partner/withdrawn.csv` with your name and reason, which leave with it. The same figures are not released again unasked.
    """
    from dtm_pipeline.release.pointer import ReleaseError
    from dtm_pipeline.release.withdraw import withdraw as take_back

    if not by.strip() or not reason.strip():
        fail("a person answers for what is withdrawn: give --by NAME and --reason WHY")
    place = open_home(home)
    with place.held():
        try:
            back = take_back(place.releases, name, by, reason)
        except ReleaseError as error:
            fail(str(error))
    typer.echo(f"release {name} is withdrawn; readers are on {back.name if back else 'none: no other stands'}")
