"""A team's own feature functions and estimators: what lies here ships with the wheel and the bento."""
