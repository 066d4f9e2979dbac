# SPDX-License-Identifier: Apache-2.0
"""Standard input is a text of OpenMetrics 1.0, to the letter of its grammar: families in one piece, types, suffixes, labels,
values, no series twice, an end, and nothing behind it."""
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)?\}})? (-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?|NaN|[+-]Inf)$")
SUFFIXES = {"counter": ("_total", "_created"), "gauge": ("",), "info": ("_info",), "unknown": ("",)}

text = sys.stdin.read()
assert text.endswith("# EOF\n") and text.count("# EOF") == 1, "no end, or not at the end"
families, series, current = {}, set(), None
for line in text.split("\n")[:-2]:
    meta = re.match(rf"# (TYPE|UNIT|HELP) ({NAME}) (.*)$", line)
    if meta:
        what, name, value = meta.groups()
        if name != current:
            assert name not in families, f"{name}: in two pieces"
            families[name] = {}
        assert what not in families[name], f"{name}: {what} twice"
        assert what != "UNIT" or name.endswith("_" + value), line
        families[name][what] = value
        current = name
        continue
    sample = SAMPLE.match(line)
    assert sample, f"neither a sample nor a description: {line!r}"
    assert current, f"before any family: {line!r}"
    kind = families[current]["TYPE"]
    assert sample[1] in [current + suffix for suffix in SUFFIXES[kind]], f"{line!r} in {current}, a {kind}"
    assert kind != "counter" or float(sample[3]) >= 0, line
    labels = tuple(sorted(re.findall(LABEL, sample[2] or "")))
    assert len({label.split("=")[0] for label in labels}) == len(labels), f"a label twice: {line!r}"
    assert (sample[1], labels) not in series, f"twice: {line!r}"
    series.add((sample[1], labels))
assert len(series) > 20, f"{len(series)} series"
