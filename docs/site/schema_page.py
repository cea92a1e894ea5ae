"""The pipeline file as a page, from the JSON Schema that `halftone schema` prints."""

LONG = 12  # choices, from where on they are not listed


def shown(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def type_of(schema):
    """What a value may be, in words."""
    if "$ref" in schema:
        kind, _, name = schema["$ref"].rsplit("/", 1)[1].partition(".")
        folder = {"pass": "passes"}.get(kind, kind + "s")
        return f"[parameters of `{name}`]({folder}/{name}.md)"
    if len(schema.get("enum", [])) > LONG:
        return f"one of {len(schema['enum'])} names of the reference"
    if "enum" in schema:
        return " or ".join(f"`{shown(choice)}`" for choice in schema["enum"])
    if "const" in schema:
        return f"`{shown(schema['const'])}`"
    for key in ("anyOf", "oneOf"):
        if key in schema:
            found = []
            for choice in schema[key]:
                if type_of(choice) not in found:
                    found.append(type_of(choice))
            return ", or ".join(found)
    kind = schema.get("type", "map" if "properties" in schema else "anything")
    if isinstance(kind, list):
        # Texts are also read from what YAML takes for a number or a flag.
        return "text" if "string" in kind else " or ".join(kind)
    if kind == "array":
        return f"list of ({type_of(schema.get('items', {}))})"
    low, high = schema.get("minimum"), schema.get("maximum")
    span = f", from {low}" if low is not None else ""
    span += f" to {high}" if high is not None else ""
    return {"object": "map", "boolean": "true or false", "string": "text"}.get(kind, kind) + span


def maps_in(schema):
    """The maps with named keys that a value may be, or hold in a list."""
    if "properties" in schema:
        return [schema]
    below = list(schema.get("anyOf", [])) + list(schema.get("oneOf", []))
    if "items" in schema:
        below.append(schema["items"])
    return [found for choice in below for found in maps_in(choice)]


def table(schema):
    lines = ["| key | value | default | meaning |", "|---|---|---|---|"]
    for key, value in schema["properties"].items():
        default = f"`{shown(value['default'])}`" if value.get("default") not in (None, "", []) else ""
        required = " (required)" if key in schema.get("required", []) else ""
        meaning = value.get("description", "" if value else "read by others; ignored here").replace("|", "\\|").replace("\n", " ")
        lines.append(f"| `{key}`{required} | {type_of(value)} | {default} | {meaning} |")
    return lines


def sections(name, schema, depth):
    lines = []
    for found in maps_in(schema):
        if name == "passes":  # each has a page of its own
            continue
        lines += ["", f"{'#' * depth} `{name}`", "", *table(found)]
        for key, value in found["properties"].items():
            lines += sections(f"{name}.{key}", value, min(depth + 1, 4))
    return lines


def pipeline_page(schema):
    lines = ["# The pipeline file", "",
             "Made from `halftone schema`, which editors take to complete and check pipeline files. What the keys do together, and what "
             "a file looks like, stands in [pipelines](../pipelines.md).", "", *table(schema)]
    for key, value in schema["properties"].items():
        lines += sections(key, value, 2)
    return "\n".join(lines) + "\n"
