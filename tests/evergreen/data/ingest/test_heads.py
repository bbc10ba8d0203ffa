"""First lines: what separates their values, which are comments, and whether the first is a header."""

import io

import numpy as np
import pandas as pd
import pytest

from evergreen.data.ingest import heads


def lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


@pytest.mark.parametrize(
    ("text", "usual", "found"),
    [
        ("a;b;c\n1,5;2,5;x\n2;3;y\n", ",", ";"),
        ("name;price, EUR;n\nx;1,5;3\ny;2,5;4\n", ",", ";"),
        ('"age";"job"\n58;"a; b"\n44;"x"\n', ",", ";"),
        ("a\tb\n1\t2\n", ",", "\t"),
        ("a|b|c\n1|2|3\n", "\t", "|"),
        ("a,b\n1,2\n", "\t", ","),
        ("a,b\n1;2,3\n4;5,6\n", ",", ","),
        ('a,b\n"x;y",1\n"x;y",2\n', ",", ","),
        ("name\na; b\nc\n", ",", ","),
        ("a,b\n1,2\n3\n4,5,6\n", ",", ","),
        ("a;b\n1;2;\n3;4;\n", ",", ";"),
        ("a;b\n", ",", ";"),
    ],
)
def test_separator_is_the_usual_one_unless_another_splits_every_line_and_further(text, usual, found):
    assert heads.delimiter_of(lines(text), usual) == found


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("decimal", [".", ","])
def test_separator_of_tables_that_pandas_writes_is_found(delimiter, decimal):
    rng = np.random.default_rng(1)
    for width in range(2, 8):
        names = [f"c{n}" for n in range(width - 1)]
        table = pd.DataFrame(rng.normal(size=(20, width - 1)), columns=names)
        table["note"] = rng.choice(["x, y", "a; b", "c|d", "plain", 'say "no"'], 20)
        buffer = io.StringIO()
        table.to_csv(buffer, sep=delimiter, decimal=decimal, index=False)
        assert heads.delimiter_of(lines(buffer.getvalue()), ",") == delimiter


@pytest.mark.parametrize(
    ("text", "comment"),
    [
        ("# made on Monday\na,b\n1,2\n", "#"),
        ("% x\n% y, z\na,b,c\n1,2,3\n", "%"),
        ("// x\na,b\n1,2\n", "//"),
        ("#a,b\n1,2\n", ""),
        ("#tag,n\n#fun,1\n#sun,2\n", ""),
        ("a,b\n# x\n1,2\n", ""),
    ],
)
def test_comments_are_seen_at_the_beginning(text, comment):
    assert heads.comment_of(lines(text), ",") == comment


@pytest.mark.parametrize(
    "text",
    [
        "M,0.455,0.365,15\nM,0.35,0.265,7\nF,0.53,0.42,9\n",
        "39, State-gov, 77516, <=50K\n50, Private, 83311, <=50K\n38, Private, 2157, >50K\n",
        "1,14.23,1.71\n1,13.2,1.78\n2,12.1,2\n",
        "p,x,s,n\ne,x,s,y\np,x,y,n\ne,b,s,n\n",
        "2024-01-01,3,a\n2024-01-02,4,b\n2024-01-03,5,a\n",
        "?,1.5,x\n3,2.5,y\n4,3.5,x\n",
        "1.234,50;x\n2.345,10;y\n3.1,7;x\n".replace(";", ","),
    ],
)
def test_row_of_data_is_no_header(text):
    assert heads.looks_like_a_row(heads.records(lines(text), ",")) is True


@pytest.mark.parametrize(
    "text",
    [
        "sex,length,rings\nM,0.35,7\nF,0.53,9\n",
        ",0,1,2\na,1,2,3\nb,4,5,6\n",
        "land,2019,2020,2021\nat,1,2,3\nbe,4,5,6\n",
        "day,n\n2024-01-02,4\n2024-01-03,5\n",
        "id,1st,x\n1,a,2\n2,b,3\n",
    ],
)
def test_names_of_columns_are_a_header(text):
    assert heads.looks_like_a_row(heads.records(lines(text), ",")) is False


@pytest.mark.parametrize("text", ["colour,taste\nred,sweet\nblue,sour\n", "a,b\n1,2\n", "a,b\n", "x,y\n,\n,\n"])
def test_words_above_words_or_too_few_rows_tell_nothing(text):
    assert heads.looks_like_a_row(heads.records(lines(text), ",")) is None


def test_lines_are_whole_and_not_blank():
    assert heads.lines_of(b"a,b\n\n \n1,2\n3,") == ["a,b\n", "1,2\n"]
    assert heads.lines_of(b"a,b") == ["a,b"]
    assert heads.lines_of(b"\n \r\n") == []
    assert len(heads.lines_of(b"1,2\n" * 100_000)) == heads.MOST_LINES


@pytest.mark.parametrize(
    ("rows", "n"),
    [
        ([["Sales"], [""], ["a", "b"], ["1", "2"], ["3", "4"]], 2),
        ([["Sales", "", ""], ["a", "b", "c"], ["1", "2", "3"], ["3", "", "4"]], 1),
        ([["a", "b"], ["1", "2"], ["3", "4"]], 0),
        ([["a"], ["1"], ["3"]], 0),
        ([["a", "", "c"], ["1", "2", "3"], ["1", "", "3"]], 0),
        ([["Sales"], ["a", "b"], ["1", "2"]], 0),
    ],
)
def test_titles_have_one_value_and_stand_above_rows_of_more(rows, n):
    assert heads.titles(rows) == n
