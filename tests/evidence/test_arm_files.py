"""Files of published arms that nobody has seen before: read whole, or refused by row and column."""

import csv
import io
import os
from dataclasses import fields
from importlib import resources

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from anagen.errors import EvidenceError, InputError
from anagen.evidence import csv_files
from anagen.evidence.arm_cells import limits
from anagen.evidence.arm_files import (
    ARM_COLUMNS,
    REQUIRED_COLUMNS,
    parse_arms_file,
    read_arms_file,
)
from anagen.evidence.published import Arm, load_arms
from anagen.evidence.rows import read_table

OWN = resources.files("anagen.evidence") / "data" / "arms.csv"
COLUMNS = (*REQUIRED_COLUMNS, "percent", "n_success", "mean")
GOOD = {
    "study_id": "Nobody2031",
    "arm": "TA 5",
    "drug": "triamcinolone acetonide",
    "concentration_mg_per_mL": "5",
    "interval_weeks": "4",
    "n_sessions": "3",
    "n_patients": "40",
    "time_weeks": "12",
    "endpoint": "regrowth_at_least",
    "threshold": "0.5",
    "n_total": "40",
    "percent": "65",
    "n_success": "26",
    "mean": "",
}


def text_of(*rows, columns=COLUMNS, separator=",", **options):
    out = io.StringIO()
    writer = csv.DictWriter(
        out, list(columns), delimiter=separator, extrasaction="ignore", restval="", **options
    )
    writer.writeheader()
    writer.writerows({**GOOD, **row} for row in rows)
    return out.getvalue()


def one(**changes):
    (arm,) = parse_arms_file(text_of(changes))
    return arm


def problems_of(text):
    with pytest.raises(InputError) as caught:
        parse_arms_file(text, "f.csv")
    return caught.value.problems


def the_problem(**changes):
    (problem,) = problems_of(text_of(changes))
    return problem


# --- what is read ---


def test_the_packages_own_arms_read_the_same_as_a_foreign_file():
    assert read_arms_file(str(OWN)) == load_arms()


def test_columns_of_a_file_are_those_of_an_arm():
    assert list(ARM_COLUMNS) == OWN.read_text(encoding="utf-8").splitlines()[0].split(",")
    assert set(REQUIRED_COLUMNS) < set(ARM_COLUMNS)


def test_a_foreign_study_is_kept_with_blanks_where_columns_are_missing():
    arm = one()
    assert (arm.study_id, arm.reference, arm.quote_status, arm.design) == ("Nobody2031", "", "", "")
    assert (arm.concentration_mg_per_mL.exact, arm.n_sessions.exact) == (5.0, 3.0)
    assert (arm.interval_weeks, arm.time_weeks, arm.n_total, arm.percent) == (4.0, 12.0, 40, 65.0)
    assert (arm.year, arm.sd, arm.n_patches, arm.volume_per_site_mL) == (None,) * 4


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_any_makers_file_reads_the_same(tmp_path, separator, end, mark):
    wanted = parse_arms_file(text_of({"arm": "TA, 5;\t3"}))
    columns = [*reversed(COLUMNS), "remark of the editor", ""]
    text = text_of(
        {"arm": "TA, 5;\t3", "remark of the editor": "two\nlines, and more"},
        columns=columns, separator=separator, lineterminator=end, quoting=csv.QUOTE_ALL,
    )  # fmt: skip
    text = text.replace("study_id", " STUDY_ID ").replace("time_weeks", "Time_Weeks")
    path = tmp_path / "arms.csv"
    path.write_bytes((mark + text).encode())
    assert read_arms_file(path) == wanted


def test_blank_rows_are_passed_over_but_counted():
    text = text_of({}) + "\n" + "," * (len(COLUMNS) - 1) + "\n"
    assert len(parse_arms_file(text)) == 1
    bad = text + text_of({"percent": "150"}).splitlines()[1]
    (problem,) = problems_of(bad)
    assert problem.place == "f.csv: row 5, column percent"


@pytest.mark.parametrize(
    ("column", "text", "low", "high"),
    [
        ("concentration_mg_per_mL", "2.5-3.33", 2.5, 3.33),
        ("concentration_mg_per_mL", "2.5 – 5 mg/mL", 2.5, 5.0),
        ("concentration_mg_per_mL", "<5", None, 5.0),
        ("concentration_mg_per_mL", "10 mg/ml", 10.0, 10.0),
        ("concentration_mg_per_mL", "~5", 5.0, 5.0),
        ("concentration_mg_per_mL", "1/4 dilution", None, None),
        ("n_sessions", "max 6", None, 6.0),
        ("n_sessions", "1-3", 1.0, 3.0),
        ("n_sessions", "every 3 wk to 12 wk", None, None),
        ("n_sessions", "until full regrowth", None, None),
        ("threshold", "0.5-0.99", 0.5, 0.99),
        ("threshold", ">=0.75", 0.75, 0.75),
        ("threshold", "0", 0.0, 0.0),
        ("threshold", "1", 1.0, 1.0),
    ],
)
def test_numbers_may_be_printed_as_papers_do(column, text, low, high):
    read = getattr(one(**{column: text}), column)
    assert (read.low, read.high) == (low, high)


@pytest.mark.parametrize("text", ["", "-", "NA", "n/a", "not stated", "unknown", "?", "mixed"])
@pytest.mark.parametrize("column", ["concentration_mg_per_mL", "interval_weeks", "n_total"])
def test_what_is_not_stated_is_none(column, text):
    assert getattr(one(**{column: text}), column) is None


def test_the_middle_of_a_printed_range_of_weeks_is_noted():
    arm = one(interval_weeks="4-6 weeks", time_weeks="12 wk")
    assert (arm.interval_weeks, arm.time_weeks) == (5.0, 12.0)
    assert arm.note == "interval_weeks printed as 4-6, read as 5"


def test_a_decimal_comma_is_read_where_semicolons_separate():
    text = text_of({"concentration_mg_per_mL": "2,5", "threshold": "0,75"}, separator=";")
    (arm,) = parse_arms_file(text)
    assert (arm.concentration_mg_per_mL.exact, arm.threshold.exact) == (2.5, 0.75)


def test_unknown_endpoints_and_states_are_kept_for_later():
    assert one(endpoint="happiness at noon").endpoint == "happiness at noon"
    assert one(endpoint="").endpoint == ""
    assert one(endpoint="Regrowth at least").endpoint == "regrowth_at_least"
    columns = (*COLUMNS, "quote_status")
    for text, status in (("Verified", "verified"), ("hearsay", ""), ("", "")):
        (arm,) = parse_arms_file(text_of({"quote_status": text}, columns=columns))
        assert arm.quote_status == status


def test_a_known_study_keeps_its_reference():
    assert one(study_id="Su2022_MA").reference == "Su2022"


def test_an_arm_without_a_figure_is_kept():
    arm = one(percent="", n_success="", mean="")
    assert (arm.percent, arm.n_success, arm.mean, arm.success_percent) == (None,) * 4
    assert one(percent="").success_percent == 65.0


@pytest.mark.parametrize("column", ["percent", "mean", "n_success"])
def test_one_column_of_figures_is_enough(column):
    assert len(parse_arms_file(text_of({}, columns=(*REQUIRED_COLUMNS, column)))) == 1


@pytest.mark.parametrize("drug", ["saline", "PRP", "betamethasone", "TA vs PRP", "topical x"])
def test_a_known_drug_that_cannot_be_simulated_is_kept(drug):
    assert one(drug=drug).drug == drug


# --- what is refused ---


@pytest.mark.parametrize(
    ("column", "text", "words"),
    [
        ("percent", "ten", "a number"),
        ("percent", "-5", "0 to 100"),
        ("percent", "130", "0 to 100"),
        ("percent", "nan", "finite"),
        ("percent", "1e999", "finite"),
        ("percent", "50", "65.0, as 26 of 40"),
        ("percent", "0.65", "Write 65"),
        ("percent", "65,0", "Write 2.5"),
        ("n_success", "41", "41 of 40"),
        ("n_success", "-1", "sign"),
        ("n_success", "2.5", "whole number"),
        ("n_total", "0", "at least 1"),
        ("n_total", "forty", "a number"),
        ("n_patients", "1e12", "decimal point"),
        ("concentration_mg_per_mL", "-5", "sign"),
        ("concentration_mg_per_mL", "-5 and 10", "number"),
        ("concentration_mg_per_mL", "ten", "a number"),
        ("concentration_mg_per_mL", "ten mg/mL", "a number"),
        ("concentration_mg_per_mL", "1000", "0 to 80"),
        ("concentration_mg_per_mL", "5-1000", "0 to 80"),
        ("concentration_mg_per_mL", "2,5", "2-5 for a range"),
        ("concentration_mg_per_mL", "inf", "finite"),
        ("interval_weeks", "-4", "sign"),
        ("interval_weeks", "monthly", "a number of weeks"),
        ("interval_weeks", "4-600", "decimal point"),
        ("time_weeks", "\N{MINUS SIGN}12", "sign"),
        ("time_weeks", "NaN", "finite"),
        ("time_weeks", "3 months", "a number of weeks"),
        ("n_sessions", "-3", "sign"),
        ("n_sessions", "3000", "0 to 200"),
        ("threshold", "50", "50 looks like a percentage: write 0.5"),
        ("threshold", "75%", "75% looks like a percentage: write 0.75"),
        ("threshold", "50-99", "write 0.5-0.99"),
        ("threshold", "-0.5", "a share 0..1"),
        ("threshold", "half", "a share 0..1"),
        ("threshold", "inf", "a share 0..1"),
        ("threshold", "5000", "a share 0..1"),
        ("study_id", "", "a name of the study"),
        ("drug", "", "Write none"),
        ("drug", "moonlight", "triamcinolone acetonide, saline"),
        ("drug", "triamcinalone", "Did you mean triamcinolone acetonide"),
        ("mean", "inf", "finite"),
    ],
)
def test_what_cannot_be_true_is_refused_with_row_and_column(column, text, words):
    problem = the_problem(**{column: text})
    assert problem.place == f"f.csv: row 2, column {column}"
    assert words in str(problem)


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"endpoint": "mean_regrowth", "mean": "130"}, "mean"),
        ({"endpoint": "odds_ratio", "mean": "0"}, "mean"),
        ({"ci_low": "70", "ci_high": "80"}, "ci_low"),
        ({"ci_low": "80", "ci_high": "50"}, "ci_low"),
        ({"sd": "-1"}, "sd"),
        ({"year": "99"}, "year"),
        ({"year": "MMXX"}, "year"),
        ({"volume_per_site_mL": "10"}, "volume_per_site_mL"),
        ({"dose_per_cm2_mg": "-1"}, "dose_per_cm2_mg"),
    ],
)
def test_columns_that_may_be_missing_are_checked_where_they_are(changes, column):
    (problem,) = problems_of(text_of(changes, columns=(*COLUMNS, *(set(changes) - set(COLUMNS)))))
    assert problem.place == f"f.csv: row 2, column {column}"


def test_a_stronger_solution_of_something_else_is_possible():
    assert one(drug="minoxidil", concentration_mg_per_mL="100").concentration_mg_per_mL.exact == 100


def test_every_problem_of_every_row_is_named_in_order():
    problems = problems_of(
        text_of({"percent": "-5", "threshold": "50"}, {}, {"drug": "moonlight", "n_total": "x"})
        + "cut,short\n"
        + text_of({"time_weeks": "inf"}).splitlines()[1]
    )
    places = [problem.place.removeprefix("f.csv: ") for problem in problems]
    assert places == [
        "row 2, column percent",
        "row 2, column threshold",
        "row 4, column drug",
        "row 4, column n_total",
        "row 5",
        "row 6, column time_weeks",
    ]


@pytest.mark.parametrize("column", REQUIRED_COLUMNS)
def test_a_missing_column_is_named(column):
    (problem,) = problems_of(text_of({}, columns=[name for name in COLUMNS if name != column]))
    assert problem.place == "f.csv: row 1, header"
    assert problem.expected == f"a column {column}"


def test_all_missing_columns_are_named_and_the_rest_is_checked():
    problems = problems_of("study,arm,percent\nA,b,130\n")
    missing = [p.expected.removeprefix("a column ") for p in problems if "header" in p.place]
    assert missing == [column for column in REQUIRED_COLUMNS if column != "arm"]
    assert "Is 'study' meant?" in problems[0].remedy
    assert problems[-1].place == "f.csv: row 2, column percent"


def test_a_file_without_any_figures_is_refused():
    (problem,) = problems_of(text_of({}, columns=REQUIRED_COLUMNS))
    assert "percent or mean" in problem.expected


def test_names_of_columns_stand_once():
    columns = ",".join((*COLUMNS, "Percent", "remark", "remark"))
    row = ",".join((*(GOOD[column] for column in COLUMNS), "65", "", ""))
    expected = [problem.expected for problem in problems_of(f"{columns}\n{row}\n")]
    assert expected == ["one column percent", "one column remark"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("\n \r\n\n", "empty"),
        ("\ufeff", "empty"),
        (",".join(COLUMNS) + "\n", "at least one row"),
        (text_of({}) + ",,\n", None),
        (text_of({}) + 'X,"never closed', "never closed"),
        (text_of({}) + 'X,"closed" too early,1\n', "line 3"),
        (text_of({}) + "X," + "y" * 200_000 + "\n", "ordinary length"),
        (text_of({}, {}).replace("65", "65,1", 1), "14 cells"),
        (text_of({}, {}).replace(",26,", ",26,,"), None),
        ('"never closed', "never closed"),
    ],
)
def test_a_table_that_is_none_is_refused(text, words):
    if words is None:
        assert parse_arms_file(text)
    else:
        assert words in "\n".join(map(str, problems_of(text)))


def test_an_endless_list_of_problems_ends():
    problems = problems_of(text_of(*({"percent": "-5"} for _ in range(600))))
    assert len(problems) == 501
    assert problems[-1].found == "100 problems more"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty file"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary"),
        ("study_id,arm\n".encode("utf-16"), "UTF-16"),
        ("study_id\nM\u00fcller".encode("latin-1"), "0xfc in line 2"),
    ],
)
def test_files_that_are_no_text_are_refused(tmp_path, content, words):
    path = tmp_path / "arms.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_arms_file(path)


def test_things_that_are_no_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="folder"):
        read_arms_file(tmp_path)
    with pytest.raises(InputError, match="nothing"):
        read_arms_file(tmp_path / "missing.csv")
    with pytest.raises(InputError, match="device"):
        read_arms_file(os.devnull)
    for name in ("a\0b", "x" * 5000):
        with pytest.raises(InputError):
            read_arms_file(name)


def test_a_file_that_the_system_refuses_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "arms.csv"
    path.write_text(text_of({}))

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(csv_files.Path, "read_bytes", refuse)
    with pytest.raises(InputError, match="permission denied"):
        read_arms_file(path)


def test_a_huge_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_files, "LARGEST_BYTES", 10)
    path = tmp_path / "arms.csv"
    path.write_text(text_of({}))
    with pytest.raises(InputError, match="at most"):
        read_arms_file(path)


def test_every_limit_has_a_source_and_an_order():
    for name in read_table("arm_bounds.toml"):
        low, high = limits(name)
        assert low < high
    with pytest.raises(EvidenceError, match="moonlight"):
        limits("moonlight")


# --- any text at all ---

cells = st.one_of(
    st.sampled_from(["5", "-5", "nan", "inf", "9-5", "<", "max", "50%", '"', "TA", "0.5", "٣", ""]),
    st.text(max_size=12),
)


def survives(text):
    try:
        arms, problems = parse_arms_file(text), ()
    except InputError as error:
        arms, problems = (), error.problems
    assert bool(arms) != bool(problems)
    assert all(isinstance(arm, Arm) for arm in arms)
    assert all(problem.place and problem.remedy for problem in problems)


@given(text=st.text(max_size=200))
@example(text='"')
@example(text="\r\n\r")
@example(text=";;;\n;;;")
@example(text="study_id\n\x00")
def test_any_text_is_arms_or_problems(text):
    survives(text)


@given(changes=st.dictionaries(st.sampled_from(ARM_COLUMNS), cells, max_size=8))
@example(changes={"threshold": "mixed"})
@example(changes={"threshold": "٣"})
@example(changes={"concentration_mg_per_mL": "9" * 400})
@example(changes={"n_sessions": "9" * 400 + "-3"})
@example(changes={"year": "1e3", "url": "\ud800"})
def test_any_cells_are_an_arm_or_problems(changes):
    survives(text_of(changes, columns=ARM_COLUMNS))


@given(changes=st.dictionaries(st.sampled_from(ARM_COLUMNS), cells, max_size=8))
def test_what_is_read_holds_no_number_that_cannot_be(changes):
    try:
        (arm,) = parse_arms_file(text_of(changes, columns=ARM_COLUMNS))
    except InputError:
        return
    assert arm.percent is None or 0.0 <= arm.percent <= 100.0
    assert arm.n_success is None or arm.n_total is None or arm.n_success <= arm.n_total
    for field in fields(arm):
        value = getattr(arm, field.name)
        for number in (getattr(value, "low", value), getattr(value, "high", value)):
            assert not isinstance(number, float) or abs(number) < 1e308
