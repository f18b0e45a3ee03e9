import gzip
import json
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcry.domain.errors import SchemaDrift
from outcry.domain.market import FeeTerms
from outcry.domain.order import Side
from outcry.domain.units import parse_decimal
from outcry.venue import fees

MAKER_FEES = FeeTerms("quadratic_with_maker_fees")
COMBO_FEES = FeeTerms("quadratic_with_combo_maker_fees")
BID, ASK = Side.BID, Side.ASK


@pytest.mark.parametrize(
    ("precision", "terms", "side", "is_taker", "price_cc", "count_ch", "trade_fee", "net_fee"),
    [
        (100, FeeTerms(), BID, True, 5000, 1000, 175_000, 175_000),
        (100, FeeTerms(), BID, True, 500, 100, 3_325, 3_400),
        (100, FeeTerms(), BID, True, 9100, 1000, 57_330, 57_400),  # as a recorded demo fill was charged
        (100, FeeTerms(), BID, True, 9460, 2687, 96_084, 96_180),
        (100, FeeTerms(), ASK, True, 6000, 1000, 168_000, 168_000),
        (100, MAKER_FEES, BID, False, 3000, 10_000, 367_500, 367_500),
        (10_000, FeeTerms(), BID, True, 5000, 100, 17_500, 20_000),
        (10_000, FeeTerms(), BID, True, 550, 100, 3_639, 5_000),
    ],
)
def test_the_published_examples(precision, terms, side, is_taker, price_cc, count_ch, trade_fee, net_fee):
    assert fees.trade_fee_micros(terms, is_taker, price_cc, count_ch) == trade_fee
    fee, gathered = fees.charge(0, terms, side, is_taker, price_cc, count_ch, precision)
    assert fee == net_fee
    assert gathered == net_fee - trade_fee


def test_the_third_of_three_small_fills_gets_a_step_back():
    gathered, charged = 0, []
    for _fill in range(3):
        fee, gathered = fees.charge(gathered, FeeTerms(), BID, True, 9460, 33)
        charged.append(fee)
    assert charged == [1_220, 1_220, 1_120]
    assert gathered == 3 * 39 - 100


def test_a_maker_pays_nothing_a_quarter_or_a_half():
    taker = fees.trade_fee_micros(FeeTerms(), True, 5000, 10_000)
    makers = [fees.trade_fee_micros(terms, False, 5000, 10_000) for terms in (FeeTerms(), MAKER_FEES, COMBO_FEES)]
    assert makers == [0, taker // 4, taker // 2]
    assert fees.trade_fee_micros(MAKER_FEES, True, 5000, 10_000) == taker


def test_the_multiplier_scales_and_a_waiver_is_free():
    assert fees.trade_fee_micros(FeeTerms("quadratic", 500_000), True, 5000, 1000) == 87_500
    assert fees.trade_fee_micros(FeeTerms("quadratic", 0), True, 5000, 1000) == 0


def test_a_fee_type_without_formula_is_never_free():
    assert not fees.known(FeeTerms("flat"))
    with pytest.raises(SchemaDrift, match="flat"):
        fees.trade_fee_micros(FeeTerms("flat"), False, 5000, 100)


@pytest.mark.recorded
def test_recorded_production_fills_were_charged_exactly_this(recordings):
    """An account behind a broker: whole cents. Fills of one order at one instant may come in any order."""
    orders: dict[str, list[dict]] = {}
    with gzip.open(recordings / "account" / "fills.jsonl.gz", "rt") as lines:
        for line in lines:
            row = json.loads(line)
            orders.setdefault(row["order_id"], []).append(row)
    assert sum(map(len, orders.values())) == 257
    unexplained = [rows for rows in orders.values() if not any(map(charged_as_recorded, permutations(rows)))]
    assert unexplained == []
    assert any(len(rows) > 1 for rows in orders.values())


def charged_as_recorded(rows) -> bool:
    gathered = 0
    for row in rows:
        # `side` names the opposite of the contract that a sell sold, so both words together name the direction
        bought_yes = row["side"] == "yes"
        fee, gathered = fees.charge(
            gathered,
            FeeTerms(),
            BID if bought_yes else ASK,
            row["is_taker"],
            parse_decimal(row["yes_price_dollars"], 4),
            parse_decimal(row["count_fp"], 2),
            fees.NON_DIRECT_MICROS,
        )
        if fee != parse_decimal(row["fee_cost"], 6):
            return False
    return True


FILLS = st.lists(
    st.tuples(st.booleans(), st.integers(1, 9999), st.integers(1, 100_000)),
    min_size=1,
    max_size=30,
)


@given(
    fills=FILLS,
    side=st.sampled_from(Side),
    precision=st.sampled_from([fees.DIRECT_MICROS, fees.NON_DIRECT_MICROS]),
    terms=st.sampled_from([FeeTerms(), MAKER_FEES, COMBO_FEES, FeeTerms("quadratic", 500_000)]),
)
def test_balances_move_in_steps_and_nobody_is_paid_to_trade(fills, side, precision, terms):
    gathered = paid = model = 0
    for is_taker, price_cc, count_ch in fills:
        before = gathered
        fee, gathered = fees.charge(gathered, terms, side, is_taker, price_cc, count_ch, precision)
        assert fee >= 0
        assert (-side.sign * price_cc * count_ch - fee) % precision == 0
        assert fee <= fees.estimate_micros(terms, is_taker, price_cc, count_ch, precision)
        trade_fee = fees.trade_fee_micros(terms, is_taker, price_cc, count_ch)
        assert gathered - before == fee - trade_fee  # what is charged beyond the model is owed, to the micro-dollar
        paid, model = paid + fee, model + trade_fee
    assert gathered == paid - model >= 0


@given(price_cc=st.integers(1, 9999), count_ch=st.integers(1, 100_000), is_taker=st.booleans())
def test_yes_and_no_cost_the_same(price_cc, count_ch, is_taker):
    charged = [
        fees.charge(0, MAKER_FEES, side, is_taker, price, count_ch)
        for side, price in ((BID, price_cc), (ASK, 10_000 - price_cc))
    ]
    assert charged[0] == charged[1]
