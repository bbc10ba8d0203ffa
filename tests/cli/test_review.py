"""What `evergreen review` tells people: an empty queue, rows in other hands, and what a file brought."""

from cli import review


def test_empty_queue_and_rows_in_other_hands_are_told_apart(fresh, capsys):
    result = review.following(fresh, by="ann", order="oldest", since=None, skip=())
    assert result["row"] is None
    review.show_next(result, "back")
    review.show_next({**result, "waiting": 2}, "back")
    assert capsys.readouterr().out.splitlines() == [
        "No row to answer: nothing waits",
        "No row to answer: the 2 that wait are in other hands",
    ]
    listed = review.listed(fresh, order="oldest", since=None, limit=5, target=None)
    assert listed == {"waiting": 0, "oldest": None, "referred": 0, "rows": []}
    review.show_list(listed)
    assert capsys.readouterr().out == "0 of 0 referred rows wait for an answer\n"


def test_what_a_file_brought_is_told_with_the_first_that_were_not_taken(capsys):
    counts = {"taken": 7, "known": 0, "unanswered": 1, "held": 1, "refused": 1}
    first = {"first_held": [{"prediction_id": "ab", "why": "ann answered it"}], "first_refused": ["row 4: back: x"]}
    review.show_file({"file": "monday.csv", **counts, **first})
    assert capsys.readouterr().out.splitlines() == [
        "Answers of monday.csv",
        *(f"  {name}: {value}" for name, value in counts.items()),
        "  ab: ann answered it",
        "  row 4: back: x",
    ]


def test_log_that_is_not_there_has_no_queue(fresh, tmp_path):
    target = tmp_path / "queue.csv"
    listed = review.listed(fresh, order="unsure", since=None, limit=None, target=target)
    assert (listed["written"], target.read_text().count("\n")) == (0, 1)
