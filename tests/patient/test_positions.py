"""Lines of values: checked against texts in which every value says on which line it stands."""

import json
import re
import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from anagen.patient.positions import json_lines, nearest_line, toml_lines, words

KEYS = st.text(alphabet='ab "\\{[,:]}#=.é', min_size=1, max_size=4)
TREES = st.recursive(
    st.just("leaf"),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.dictionaries(KEYS, inner, min_size=1, max_size=3)
    ),
    max_leaves=12,
)


def leaves(tree, path=()):
    if isinstance(tree, dict):
        for key, inner in tree.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(tree, list):
        for index, inner in enumerate(tree):
            yield from leaves(inner, (*path, index))
    else:
        yield path, tree


def numbered(tree, counter):
    """The same tree with a different number at every leaf."""
    if isinstance(tree, dict):
        return {key: numbered(inner, counter) for key, inner in tree.items()}
    if isinstance(tree, list):
        return [numbered(inner, counter) for inner in tree]
    counter.append(None)
    return 1000 + len(counter)


@settings(deadline=None, derandomize=True, max_examples=120)
@given(tree=TREES, indent=st.sampled_from([None, 0, 2]))
def test_json_lines_agree_with_the_text(tree, indent):
    data = {"root": numbered(tree, [])}
    text = json.dumps(data, indent=indent, ensure_ascii=False)
    lines = json_lines(text)
    for path, value in leaves(data):
        assert re.search(rf"\b{value}\b", text.split("\n")[lines[path] - 1])


def test_json_lines_see_through_strings_and_escapes():
    text = '{"a": "],\\"}\\n",\n "b\\u0041": [\n1, {"c": [[],\n 2]}]}'
    lines = json_lines(text)
    assert json.loads(text)["bA"][1]["c"][1] == 2
    assert (lines["a",], lines["bA",], lines["bA", 0], lines["bA", 1, "c", 1]) == (1, 2, 3, 4)


TOML = '''# a remark [x]
id = "P # [no]"
a.b = 1
[history]
text = """
[not.a.table]
x = 1
"""
"quoted.key" = 2
[[visits]]
date = 2025-01-05
  [[visits.patches]]
  id = 'one'
  [[visits.patches]]
  id = 'two'
  shape.outlines = [
    {view = "top", points = [
      [1, 2], # remark ]
      [3, 4]]},
  ]
[[visits]]
time = 10:20:30
[[visits.patches]]
id = "three"
[visits.patches.trichoscopy]
black_dots = 1
'''


def test_toml_lines():
    data, lines = tomllib.loads(TOML), toml_lines(TOML)
    assert data["visits"][0]["patches"][1]["shape"]["outlines"][0]["points"][1] == [3, 4]
    expected = {
        ("id",): 2,
        ("a", "b"): 3,
        ("history", "text"): 5,
        ("history", "quoted.key"): 9,
        ("visits", 0, "date"): 11,
        ("visits", 0, "patches", 0, "id"): 13,
        ("visits", 0, "patches", 1, "id"): 15,
        ("visits", 0, "patches", 1, "shape", "outlines", 0, "view"): 17,
        ("visits", 0, "patches", 1, "shape", "outlines", 0, "points", 1, 1): 19,
        ("visits", 1, "time"): 22,
        ("visits", 1, "patches", 0, "id"): 24,
        ("visits", 1, "patches", 0, "trichoscopy", "black_dots"): 26,
    }
    assert {path: lines[path] for path in expected} == expected


def test_every_toml_value_has_a_line():
    assert {path for path, _ in leaves(tomllib.loads(TOML))} <= set(toml_lines(TOML))


def test_a_missing_field_is_placed_at_what_surrounds_it():
    lines = toml_lines(TOML)
    assert nearest_line(lines, ("visits", 1, "patches", 0, "shape", "outlines")) == 23
    assert nearest_line(lines, ("nothing",)) == 1


def test_words():
    assert words(("visits", 1, "patches", 0, "id")) == "visits[1].patches[0].id"
    assert words(()) == ""
    assert words(("\r", 0, "a b", "x" * 900)) == "['\\r'][0]['a b']['" + "x" * 59 + "]"
