from outcry.paper.replay.timeline import Timeline

T0 = 1_778_679_193_000_000
START = 1_000_000


def begun(speed):
    line = Timeline(START, speed)
    line.begin(T0)
    return line


def test_recorded_time_runs_from_the_start_at_its_speed():
    line = begun(60.0)
    assert line.exchange_ms(line.played_ms(T0 + 120_000_000)) == START + 2_000
    assert line.exchange_ms(line.played_ms(T0 - 60_000_000)) == START - 1_000


def test_what_is_skipped_takes_no_time():
    line = begun(1.0)
    line.skip(T0 + 10_000_000, T0 + 3_610_000_000)
    assert line.exchange_ms(line.played_ms(T0 + 3_611_000_000)) == START + 11_000


def test_as_fast_as_possible_everything_is_due_when_asked_and_a_close_lies_ahead():
    line = begun("max")
    line.ask(START + 5)
    played = line.played_ms(T0 + 600_000_000)
    assert line.reach(played) == START + 5
    assert line.exchange_ms(played + 300_000) == START + 300_005
    line.ask(START + 9)
    assert line.reach(played) == START + 9


def test_the_exchanges_clock_never_goes_back():
    line = begun(1.0)
    later = line.reach(line.played_ms(T0 + 2_000_000))
    assert line.reach(line.played_ms(T0 + 1_000_000)) == later
