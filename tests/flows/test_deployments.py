"""The deployments: a training and a look at the last decision, by the clock of the settings."""

from evergreen.config.settings import Settings
from flows import deployments
from flows.deployments import deployments as made
from flows.deployments import main


def test_each_flow_has_the_schedule_and_the_parameters_of_the_settings():
    settings = Settings(training_cron="1 2 * * *", retraining_cron="3 4 * * 5", timezone="Europe/Paris")
    training, retraining, review, scoring = made(settings, "staging")
    assert (training.flow_name, training.name) == ("training", "staging")
    assert (retraining.flow_name, retraining.name) == ("retraining", "staging")
    assert training.parameters == {"env": "staging", "reason": "scheduled"}
    assert retraining.parameters == {"env": "staging"}
    assert (review.flow_name, review.name, review.schedules) == ("review", "staging", [])
    assert (scoring.flow_name, scoring.name, scoring.schedules) == ("scoring", "staging", [])
    assert review.parameters == scoring.parameters == {"env": "staging"}
    crons = [[(each.schedule.cron, each.schedule.timezone) for each in one.schedules] for one in (training, retraining)]
    assert crons == [[("1 2 * * *", "Europe/Paris")], [("3 4 * * 5", "Europe/Paris")]]


def test_command_serves_the_deployments_of_the_environment_that_is_named(monkeypatch):
    served = []
    monkeypatch.setattr(deployments, "serve", lambda *given: served.append([each.name for each in given]))
    monkeypatch.setattr(deployments.Settings, "load", lambda env: Settings())
    for argv, env in ((["x"], "local"), (["x", "staging"], "staging")):
        monkeypatch.setattr("sys.argv", argv)
        main()
        assert served.pop() == [env] * 4
