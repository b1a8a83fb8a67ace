"""The answers of hdx-python-country: units and cases as JSON on stdin, a list of codes on stdout."""

import json
import logging
import sys

from hdx.location.adminlevel import AdminLevel

logging.disable(logging.CRITICAL)


def level_of(units: list[dict], level: int, above: AdminLevel | None) -> AdminLevel:
    told = AdminLevel(admin_level=level)
    if above is not None:
        told.set_parent_admins_from_adminlevels([above])
    told.setup_from_iterable(
        {
            "Location": u["location_code"],
            "Admin Level": str(u["admin_level"]),
            "P-Code": u["code"],
            "Name": u["name_en"],
            "Parent P-Code": u["parent_code"],
        }
        for u in units
        if u["admin_level"] <= level
    )
    return told


def main() -> None:
    asked = json.load(sys.stdin)
    first = level_of(asked["units"], 1, None)
    levels = {1: first, 2: level_of(asked["units"], 2, first)}
    answers = []
    for case in asked["cases"]:
        parent = None
        if case["admin_level"] == 2 and case["parent"]:
            parent, _ = levels[1].get_pcode(case["location_code"], case["parent"])
        at = levels[case["admin_level"]]
        name = case["name"] or case["code"]
        try:
            code, _ = (
                at.get_pcode(case["location_code"], name, parent=parent)
                if parent
                else at.get_pcode(case["location_code"], name)
            )
        except Exception:  # it raises on names that it can't transliterate
            code = None
        answers.append(code)
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
