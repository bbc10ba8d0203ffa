from steps import answers


def test_a_shadow_is_asked_about_every_row_and_a_share_about_those_that_drew_it() -> None:
    assert answers(100, paired=True).n_new == 100
    assert answers(100).n_new == 50
