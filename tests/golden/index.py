"""Writes the list of fixtures at the end of tests/data/golden/README.md: metadata, tensor names and shapes."""

from fixture import FOLDER, read

MARK = "## Every fixture"
ABOUT = """
Written by `tests/golden/index.py`. `r.NAME` and `grad.NAME` have the shape of NAME and are counted, not listed.
"""


def shape(value):
    return "x".join(map(str, value.shape)) + (" I64" if value.dtype.kind == "i" else "")


def derived(name):
    return "grad." in name or name.startswith("r.")


def describe(path):
    tensors, metadata = read(path)
    variants = metadata.pop("variants", "").split()
    options = [f"{key} `{value}`" for key, value in metadata.items() if value and not key.startswith("options.")]
    lines = [f"### {path.name}", "", "- " + "; ".join(options)]
    shared, of_variants = [], {}
    for name, value in tensors.items():
        prefix = next((variant for variant in variants if name.startswith(f"{variant}.")), None)
        if derived(name):
            continue
        if prefix is None:
            shared.append(f"`{name}` {shape(value)}")
        else:
            of_variants.setdefault(f"`VARIANT{name[len(prefix):]}` {shape(value)}", []).append(prefix)
    lines.append(f"- {len(tensors)} tensors, {sum(map(derived, tensors))} of them `r.` or `grad.`: " + ", ".join(shared))
    everywhere = [entry for entry, where in of_variants.items() if len(where) == len(variants)]
    if variants:
        lines.append("- variants: " + ", ".join(f"`{variant}`" for variant in variants))
    if everywhere:
        lines.append("- each has " + ", ".join(everywhere))
    lines += [f"- {entry}: {', '.join(where)}" for entry, where in of_variants.items() if len(where) < len(variants)]
    lines += [f"- {key}: `{value}`" for key, value in metadata.items() if key.startswith("options.")]
    return [*lines, ""]


def main():
    readme = FOLDER / "README.md"
    head = readme.read_text().split(MARK)[0]
    listed = [line for path in sorted(FOLDER.glob("*.safetensors")) for line in describe(path)]
    readme.write_text("\n".join([head + MARK + "\n" + ABOUT, *listed]).rstrip() + "\n")


main()
