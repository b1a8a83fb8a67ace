"""KoBoToolbox and ODK: forms (XLSForm), their expressions as Polars expressions, and the exports of their answers."""
