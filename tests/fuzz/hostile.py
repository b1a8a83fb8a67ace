"""What an inbox may hold that means harm, or arrived broken: made by a seed, a few at a time."""

from __future__ import annotations

import io
import json
import os
import random
import socket
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

MEGABYTE = 1 << 20
STOLEN = b'{"result": [{"admin0Pcode": "IRQ", "numPresentIdpInd": 987654321}]}'
"""What lies outside the inbox and is never to be read."""

NAMES = [
    b"new\nline.csv", b"\x1b[31mred.csv", b"\xe2\x80\xaegnp.csv", b"--help.csv", b"; rm -rf x.csv", b"%s%n{0}.csv",
    b"\xff\xfe bytes.csv", b"..csv", b"con.csv", b"a" * 250 + b".csv", b"no extension", b"$(id).json", b"[red]x[bold].csv",
    b"<script>alert(1)<script>.csv", b"x.csv.toml.csv", b" .csv", b"\xd9\x86\xd8\xb2\xd9\x88\xd8\xad.csv",
]  # fmt: skip


def archive(members: list[tuple[str | zipfile.ZipInfo, bytes]], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP archive of members by name."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", how) as made:
        for name, content in members:
            told = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo("x")
            told.filename, told.compress_type = told.filename if told is name else str(name), how
            made.writestr(told, content)
    return whole.getvalue()


def bomb(draw: random.Random) -> bytes:
    """An archive that unpacks to a hundred times its size and more, or one in one in one."""
    if draw.random() < 0.5:
        return archive([("zeros.csv", bytes(draw.randint(20, 60) * MEGABYTE))])
    nested = archive([("a.csv", b"1,2\n")])
    for level in range(draw.randint(2, 6)):
        nested = archive([(f"{level}.zip", nested)])
    return nested


def climbing(draw: random.Random) -> bytes:
    """An archive whose names lead out of it, or whose members are links."""
    link = zipfile.ZipInfo("link.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    evil: list[str | zipfile.ZipInfo] = ["../../evil.json", "/evil.json", "..\\evil.json", "a/../../evil.json", "C:\\evil.json", link, "", "\x00.csv"]  # fmt: skip
    return archive([(name, STOLEN) for name in draw.sample(evil, 3)])


def crowded(draw: random.Random) -> bytes:
    """An archive of more members than one may hold, or of one name many times."""
    one = draw.random() < 0.5
    return archive([("a.csv" if one else f"{n}.csv", b"a,b\n1,2\n") for n in range(draw.randint(501, 900))])


def broken_archive(draw: random.Random) -> bytes:
    """An archive that is cut, has bytes changed, or says that it is encrypted."""
    whole = bytearray(archive([("a.csv", bytes(draw.randbytes(3000)))]))
    if draw.random() < 0.5:
        return bytes(whole[: draw.randint(1, len(whole) - 1)])
    for _ in range(draw.randint(1, 40)):
        whole[draw.randrange(len(whole))] = draw.randrange(256)
    return bytes(whole)


def workbook(draw: random.Random) -> bytes:
    """A workbook with a stray cell far out, entities that unfold without end, sheets that are missing, or nested XML."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    far = f'<row r="1048576"><c r="{draw.choice(["A", "ZZ", "XFD"])}1048576"><v>1</v></c></row>'
    sly = '<row r="1"><c r="XFD1048576"><v>1</v></c><c r="A1"><v>1</v></c></row>'
    deep = "<a>" * draw.randint(1000, 100_000)
    laughs = "<!DOCTYPE l [<!ENTITY a 'ha'>" + "".join(f"<!ENTITY {chr(b + 1)} '{f'&{chr(b)};' * 10}'>" for b in range(97, 106)) + "]>"  # fmt: skip
    rows = draw.choice(
        [far, sly, deep, "", f'<row r="1"><c r="A1" t="inlineStr"><is><t>{"x" * 200_000}</t></is></c></row>']
    )
    head = laughs if draw.random() < 0.3 else ""
    sheet = f'{head}<worksheet xmlns="{main}"><sheetData>{rows}{"&j;" if head else ""}</sheetData></worksheet>'
    book = f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="Data" sheetId="1" r:id="rId1"/></sheets></workbook>'
    target = draw.choice(["worksheets/sheet1.xml", "../../../etc/passwd", "worksheets/none.xml"])
    tied = f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="{office}/worksheet" Target="{target}"/></Relationships>'  # fmt: skip
    parts = {"[Content_Types].xml": "<Types/>", "xl/workbook.xml": book, "xl/_rels/workbook.xml.rels": tied, "xl/worksheets/sheet1.xml": sheet}  # fmt: skip
    return archive([(name, text.encode()) for name, text in parts.items()])


def text(draw: random.Random) -> bytes:
    """Text of one line without end, of a hundred thousand columns, of NULs, of quotes that stay open, of no encoding."""
    return draw.choice(
        [
            lambda: b"a," * (draw.randint(1, 8) * MEGABYTE),
            lambda: b"x" * (draw.randint(1, 20) * MEGABYTE),
            lambda: ",".join(f"c{n}" for n in range(100_000)).encode() + b"\n" + b"1," * 100_000 + b"\n",
            lambda: bytes(draw.randint(1, 2 * MEGABYTE)),
            lambda: b"Governorate,IDPs\nNine\x00wa,5\n\x00\x00\n",
            lambda: b'Governorate,IDPs\n"Ninewa,5\n' + b'Ninewa,"5\n' * 50_000,
            lambda: "Governorate,IDPs\nNinewa,5\n".encode("utf-16-le"),
            lambda: b"\xef\xbb\xbf" * 1000 + b"\xff\xfe\xfd",
            lambda: b"=cmd|' /C calc'!A0,IDPs\n@SUM(1),5\n",
            lambda: draw.randbytes(draw.randint(1, 200_000)),
            lambda: b"%PDF-1.7\n" + draw.randbytes(5000),
            lambda: b"MZ" + draw.randbytes(5000),
            lambda: b"PAR1" + draw.randbytes(500) + b"PAR1",
            lambda: b"SQLite format 3\x00" + bytes(4000),
            lambda: b"",
        ]
    )()


def document(draw: random.Random) -> bytes:
    """JSON that nests without end, holds numbers of thousands of digits, says a key twice or is cut."""
    row = '{"admin0Pcode": "IRQ", "admin1Pcode": "IRQ-G15", "numPresentIdpInd": %s, "reportingDate": "2020-02-29T00:00:00", "operation": "x"}'  # fmt: skip
    deep = draw.randint(500, 200_000)
    return draw.choice(
        [
            "[" * deep,
            "[" * deep + "]" * deep,
            '{"a":' * deep + "1" + "}" * deep,
            f'{{"result": [{row % ("9" * draw.randint(20, 9000))}]}}',
            f'{{"result": [{row % "1e999999"}]}}',
            f'{{"result": [{row % "NaN"}, {row % "-Infinity"}]}}',
            f'{{"result": [{row % "5"}], "result": [{row % "6"}]}}',
            f'{{"result": [{row % "5"}',
            '{"result": "' + "x" * (5 * MEGABYTE) + '"}',
            '{"result": ' + json.dumps({f"k{n}": n for n in range(50_000)}) + "}",
            '{"result": [1, null, "a", [], {}]}',
        ]
    ).encode()


def file(make: Callable[[random.Random], bytes], suffix: str) -> Callable[[random.Random, Path, Path], None]:
    """Something that writes such a file into an inbox."""

    def write(draw: random.Random, inbox: Path, _: Path) -> None:
        (inbox / f"{make.__name__}{draw.randrange(10_000)}{suffix}").write_bytes(make(draw))

    return write


def name(draw: random.Random, inbox: Path, _: Path) -> None:
    """A file under a name that means something to a terminal, a shell, a page or a system."""
    (Path(os.fsdecode(os.fsencode(inbox) + b"/" + draw.choice(NAMES)))).write_bytes(text(draw))


def no_file(draw: random.Random, inbox: Path, outside: Path) -> None:
    """A link, a pipe, a socket, a folder under the name of a file."""
    at = inbox / f"odd{draw.randrange(10_000)}.json"
    kind = draw.randrange(6)
    if kind == 0:
        at.symlink_to(outside / "secret.json")
    elif kind == 1:
        at.symlink_to(outside)
    elif kind == 2:
        at.symlink_to(at.name)
    elif kind == 3:
        os.mkfifo(at)
    elif kind == 4:
        with socket.socket(socket.AF_UNIX) as made:
            before = Path.cwd()
            os.chdir(inbox)  # the name of a socket may have 107 bytes
            made.bind(at.name)
            os.chdir(before)
    else:
        (at / "deep" / "deeper").mkdir(parents=True)
        (at / "deep" / "a.csv").write_bytes(STOLEN)


def sidecar(draw: random.Random, inbox: Path, outside: Path) -> None:
    """A file whose sidecar is no TOML, nests without end, says what can't be said, or is a link."""
    at = inbox / f"said{draw.randrange(10_000)}.csv"
    at.write_text("Governorate,IDPs\nNinewa,5\n")
    beside = at.with_name(f"{at.name}.toml")
    if draw.random() < 0.2:
        beside.symlink_to(outside / "secret.json")
        return
    beside.write_bytes(
        draw.choice(
            [
                b"\xff\xfe",
                b"country = ",
                b"a = " + b"[" * 50_000,
                b'country = "../../../etc"\nreference_date = "0000-99-99"\n',
                b'kind = "no_such"\n',
                b"x" * MEGABYTE,
                b'country = 5\nreplaces = "yes"\n',
                b"reference_date = 9999999-01-01\n",
            ]
        )
    )


WAYS: list[Callable[[random.Random, Path, Path], None]] = [
    file(bomb, ".zip"), file(climbing, ".zip"), file(crowded, ".zip"), file(broken_archive, ".zip"),
    file(workbook, ".xlsx"), file(text, ".csv"), file(text, ".xlsx"), file(document, ".json"), file(broken_archive, ".xlsx"),
    name, no_file, sidecar,
]  # fmt: skip


def fill(seed: int, inbox: Path, outside: Path) -> None:
    """Put one to five hostile things into an inbox; `outside` is a folder that none of them may reach."""
    draw = random.Random(seed)
    for _ in range(draw.randint(1, 5)):
        draw.choice(WAYS)(draw, inbox, outside)
