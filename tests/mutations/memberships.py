"""Protections of memberships: calendar arithmetic, the anchor, and that a period is given and taken back once."""

from tests.mutations.mutation import Mutation

PERIODS = "tests/properties/test_periods.py"
SOLD = "tests/flows/memberships/test_memberships_sold.py"
BACK = "tests/flows/memberships/test_memberships_taken_back.py"
PLANS = "tests/flows/memberships/test_plans.py"
RACES = "tests/races/test_membership_races.py"

MUTATIONS = [
    Mutation(
        rows=("20", "INV-P5"),
        removed="the last day of a month that has no such day",
        file="core/members/periods.py",
        old="return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))",
        new="return date(year, month + 1, 1) + timedelta(days=day.day - 1)",
        test=f"{PERIODS}::test_fault_20_periods_end_on_the_day_of_the_anchor_or_the_last_of_a_shorter_month",
    ),
    Mutation(
        rows=("20", "INV-P5"),
        removed="the anchor from which renewals are counted",
        file="core/members/periods.py",
        old="            runs[-1] = _changed(runs[-1], runs[-1].span + one.span)",
        new="            runs[-1] = Running(runs[-1].until, one.zone, one.span)",
        test=f"{SOLD}::test_fault_20_a_membership_begun_on_a_31st_and_renewed_each_month_ends_on_31sts",
    ),
    Mutation(
        rows=("INV-P5",),
        removed="the hour of the wall, which summer time does not move",
        file="core/members/periods.py",
        old="    local = since.astimezone(place)",
        new='    local, place = since, ZoneInfo("UTC")',
        test=f"{PERIODS}::test_inv_p5_a_month_ends_at_the_same_hour_of_the_wall_whatever_summer_time_does",
    ),
    Mutation(
        rows=("INV-P5",),
        removed="the later one of an hour that comes twice",
        file="core/members/periods.py",
        old="return max(wall",
        new="return min(wall",
        test=f"{PERIODS}::test_inv_p5_a_month_ends_at_the_same_hour_of_the_wall_whatever_summer_time_does",
    ),
    Mutation(
        rows=("INV-P5",),
        removed="that the end itself is over",
        file="core/members/periods.py",
        old="if runs and one.paid_at < runs[-1].until:",
        new="if runs and one.paid_at <= runs[-1].until:",
        test=f"{SOLD}::test_inv_p5_after_the_end_it_begins_anew_and_keeps_the_new_day",
    ),
    Mutation(
        rows=("INV-P5",),
        removed="the shopper's lock while a period is given",
        file="core/members/memberships.py",
        old="WHERE l.id = %s FOR NO KEY UPDATE OF s",
        new="WHERE l.id = %s",
        test=f"{RACES}::test_inv_p5_two_periods_given_at_once_are_both_counted",
    ),
    Mutation(
        rows=("INV-O6", "INV-O7"),
        removed="that nothing is given by whoever lost the delivery to another sender",
        file="core/fulfilment/memberships.py",
        old="    if not finish_sending(sending=sending, now=now):\n        return False\n",
        new="    finish_sending(sending=sending, now=now)\n",
        test=f"{SOLD}::test_inv_o6_a_sender_that_lost_its_lease_gives_nothing",
    ),
    Mutation(
        rows=("INV-O3",),
        removed="that a line whose money goes back gives its period back",
        file="core/members/memberships.py",
        old="SET taken_back_at = greatest(given_at, %s) WHERE",
        new="SET taken_back_at = NULL WHERE %s <> now() AND",
        test=f"{BACK}::test_a_refund_of_the_line_takes_its_period_back_once",
    ),
    Mutation(
        rows=("INV-O3",),
        removed="the question whether a membership is what its periods make",
        file="core/fulfilment/checks.py",
        old="        WHERE m.until IS NULL OR p.begins IS NULL OR m.since",
        new="        WHERE false AND m.until IS NULL OR false AND m.since",
        test=f"{BACK}::test_inv_o3_verify_counts_a_membership_that_its_periods_do_not_make",
    ),
    Mutation(
        rows=("INV-O8",),
        removed="that an old button does not buy a period that changed meanwhile",
        file="core/catalog/sql.py",
        old='OUTDATE = "UPDATE listing SET version = version + 1 WHERE',
        new='OUTDATE = "UPDATE listing SET version = version WHERE',
        test="tests/flows/memberships/test_plans.py::test_an_old_button_does_not_buy_a_period_that_changed_meanwhile",
    ),
    Mutation(
        rows=("INV-O3",),
        removed="what `verify` asks about memberships",
        file="core/fulfilment/checks.py",
        old="        WHERE (p.line_id IS NOT NULL) <> (l.plan_id",
        new="        WHERE false AND (p.line_id IS NOT NULL) <> (l.plan_id",
        test=f"{SOLD}::test_verify_counts_a_membership_that_was_not_given_as_it_was_sold",
    ),
    Mutation(
        rows=("INV-M6",),
        removed="the look whether a gateway gave the money back by itself",
        file="core/fulfilment/memberships.py",
        old="        if returns and went_back_outside(order_id=order_id):",
        new="        if False:",
        test=f"{BACK}::test_what_a_gateway_gave_back_by_itself_is_not_given_back_twice",
    ),
    Mutation(
        rows=("INV-T2",),
        removed="that a plan is sold as its own merchant's goods only",
        file="ops/migrations/0029_memberships.sql",
        old="WHERE s.id = NEW.sku_id AND p.kind = 'plan' AND p.owner_id = m.merchant_id",
        new="WHERE s.id = NEW.sku_id",
        test=f"{PLANS}::test_raw_sql_gives_a_plan_no_goods_of_another_merchant",
    ),
    Mutation(
        rows=("INV-O8",),
        removed="the period that is frozen with the line",
        file="core/members/memberships.py",
        old="l.quantity, l.plan_count, l.plan_unit, o.paid_at",
        new="l.quantity, (SELECT count FROM plan_period WHERE sku_id = l.sku_id),"
        " (SELECT unit FROM plan_period WHERE sku_id = l.sku_id), o.paid_at",
        test=f"{PLANS}::test_a_change_of_a_period_is_for_what_is_sold_from_then_on",
    ),
]
