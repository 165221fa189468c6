"""The metadata that FOCUS asks for beside the data: who made them, by which version, with which columns."""

from circleci_cost import __version__
from circleci_cost.model.focus.columns import FocusColumn, Grain, Kind, Style, Version, columns_of

FILE = "focus_metadata.json"
_TYPES = {
    Kind.TEXT: "STRING",
    Kind.JSON: "JSON",
    Kind.COST: "DECIMAL",
    Kind.UNIT_PRICE: "DECIMAL",
    Kind.QUANTITY: "DECIMAL",
    Kind.TIME: "DATETIME",
    Kind.INTEGER: "INTEGER",
    Kind.BOOLEAN: "BOOLEAN",
}


def metadata(version: Version, grain: Grain, style: Style) -> dict[str, object]:
    """The content of the metadata file, the same for the same shape of data."""
    return {
        "DataGenerator": {"DataGenerator": "circleci_cost", "DataGeneratorVersion": __version__},
        "Schema": [
            {
                "SchemaId": f"circleci_cost-{version}-{grain}-{style}",
                "FocusVersion": version.value,
                "ColumnDefinition": [_definition(column) for column in columns_of(version, grain)],
            }
        ],
    }


def _definition(column: FocusColumn) -> dict[str, object]:
    definition: dict[str, object] = {"ColumnName": column.name, "DataType": _TYPES[column.kind]}
    if _TYPES[column.kind] == "DECIMAL":
        precision, scale = column.kind.value.removeprefix("DECIMAL(").removesuffix(")").split(",")
        definition |= {"NumericPrecision": int(precision), "NumberScale": int(scale)}
    elif column.kind in {Kind.TEXT, Kind.JSON}:
        definition["StringEncoding"] = "UTF-8"
    return definition
