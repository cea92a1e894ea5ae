"""Compares two files of quantization configs slot by slot. Both have the form that `halftone quantize --configs-out` writes.

Operators are matched by name, else by the values they write, else by those they read; slots by position.
"""

from collections import Counter

FLOAT_STATES = {"FP32", None}
TYPE_KEYS = ("bits", "qmin", "qmax", "rounding", "policy", "channel_axis", "visibility")


class Operations:
    """The operations of one file, by name and by the values they write and read."""

    def __init__(self, document):
        self.all = document["operations"]
        self.by_name = {op["op"]: op for op in self.all if op["op"]}
        self.by_output = {slot["var"]: op for op in self.all for slot in op["outputs"] if slot.get("var")}
        self.by_input = {}
        for op in self.all:
            for slot in op["inputs"]:
                self.by_input.setdefault((op["type"], slot.get("var")), []).append(op)

    def match(self, op):
        found = self.by_name.get(op["op"])
        if found and found["type"] == op["type"]:
            return found
        for slot in op["outputs"]:
            found = self.by_output.get(slot.get("var"))
            if found and found["type"] == op["type"]:
                return found
        candidates = self.by_input.get((op["type"], op["inputs"][0].get("var")), []) if op["inputs"] else []
        return candidates[0] if len(candidates) == 1 else None


def slots(op):
    for direction, key in (("in", "inputs"), ("out", "outputs")):
        for index, slot in enumerate(op[key]):
            yield f"{direction}{index}", slot


def relative_difference(ours, theirs):
    """The largest over the channels, or None when the counts differ."""
    if len(ours) != len(theirs):
        return None
    return max((abs(a - b) / max(abs(b), 1e-30) for a, b in zip(ours, theirs)), default=0.0)


def compare_scales(where, ours, theirs, report, tolerance):
    a, b = ours.get("scale"), theirs.get("scale")
    if (a is None) != (b is None):
        report["one_sided"].append(f"{where}: scale {'missing here' if a is None else 'missing there'}")
        return
    if a is None:
        return
    difference = relative_difference(a, b)
    if difference is None:
        report["counts"].append(f"{where}: {len(a)} scales here, {len(b)} there")
        return
    report["compared"] += 1
    report["differences"].append((difference, where, a, b))
    if difference > tolerance:
        report["beyond"] += 1
    offsets = theirs.get("offset") or [0.0] * len(b)
    moved = max(abs(x - y) for x, y in zip(ours.get("offset") or [0.0] * len(a), offsets))
    if moved > 0.5:
        report["offsets"].append((moved, f"{where}: offset {ours.get('offset')[:3]} here, {offsets[:3]} there"))


def compare_slot(where, ours, theirs, report, tolerance):
    if (ours.get("state"), theirs.get("state")) not in report["pairs"]:
        report["pairs"][(ours.get("state"), theirs.get("state"))] = 0
    report["pairs"][(ours.get("state"), theirs.get("state"))] += 1
    both_float = ours.get("state") in FLOAT_STATES and theirs.get("state") in FLOAT_STATES
    if both_float:
        return
    if ours.get("state") != theirs.get("state"):
        report["states"].append(f"{where}: {ours.get('state')} here, {theirs.get('state')} there")
        if ours.get("state") in FLOAT_STATES or theirs.get("state") in FLOAT_STATES:
            return
    for key in TYPE_KEYS:
        if ours.get(key) != theirs.get(key):
            report["types"].append((key, f"{where}: {key} {ours.get(key)} here, {theirs.get(key)} there"))
    compare_scales(where, ours, theirs, report, tolerance)


def compare(ours_document, theirs_document, tolerance):
    report = {"compared": 0, "beyond": 0, "differences": [], "pairs": {}, "missing": [], "states": [], "types": [],
              "dispatch": [], "one_sided": [], "counts": [], "offsets": []}
    ours_all = Operations(ours_document)
    for theirs in theirs_document["operations"]:
        ours = ours_all.match(theirs)
        quantized = theirs.get("quantized", True)
        if ours is None:
            if quantized:  # what neither side quantizes may have been folded away
                report["missing"].append(f"{theirs['op']} ({theirs['type']})")
            continue
        if not quantized:
            if ours.get("platform") != theirs.get("platform"):
                report["dispatch"].append(f"{theirs['op']} ({theirs['type']}): {ours.get('platform')} here, "
                                          f"{theirs.get('platform')} there")
            if ours.get("quantized", True):
                report["states"].append(f"{theirs['op']} ({theirs['type']}): quantized here, in float there")
            continue
        own = dict(slots(ours))
        for position, slot in slots(theirs):
            where = f"{theirs['op']} ({theirs['type']}) {position} '{slot.get('var')}'"
            if position in own:
                compare_slot(where, own[position], slot, report, tolerance)
            elif slot.get("state") not in FLOAT_STATES:
                report["missing"].append(where)
    report["differences"].sort(key=lambda entry: -entry[0])
    return report


FAULTS = (("missing", "not found here"), ("states", "states that differ"), ("types", "types that differ"),
          ("dispatch", "dispatched otherwise"),
          ("one_sided", "scale on one side only"), ("counts", "scale counts that differ"), ("offsets", "offsets that differ"))


def largest_and_median(report):
    differences = sorted(entry[0] for entry in report["differences"])
    return (differences[-1], differences[len(differences) // 2]) if differences else (0.0, 0.0)


def print_report(title, report, tolerance, most):
    largest, middle = largest_and_median(report)
    print(f"{title}: {report['compared']} slots with scales, largest relative difference {largest:.3g}, median {middle:.3g}, "
          f"{report['beyond']} above {tolerance:g}; {len(report['states'])} states differ")
    for key, label in FAULTS:
        if report[key]:
            print(f"  {label}: {len(report[key])}")
            for line in report[key][:most]:
                print(f"    {line[1] if isinstance(line, tuple) else line}")
    pairs = Counter({pair: count for pair, count in report["pairs"].items() if pair[0] != pair[1]})
    for (ours, theirs), count in pairs.most_common(most):
        print(f"  state {theirs} there is {ours} here: {count}")
    for difference, where, a, b in report["differences"][:most]:
        if difference > tolerance:
            worst = max(range(len(a)), key=lambda i: abs(a[i] - b[i]) / max(abs(b[i]), 1e-30))
            print(f"  {difference:9.3g}  {where}[{worst}]: {a[worst]:.8g} here, {b[worst]:.8g} there")


def is_equal(report):
    return report["beyond"] == 0 and not any(report[key] for key, _ in FAULTS)
