"""The figures of a store: each question is answered and bounded, each process's row reaches whoever is asked."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import peewee
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed

from channels.figures import Family, Figures, exposed
from core import db
from ops.alarms.every import ALARMS
from ops.figures.gathered import KEPT, Gathered
from ops.figures.published import Publisher, forget_ended, published
from ops.figures.questions import QUESTIONS, answers
from tests.builders import Shop, Talker
from tests.support.till import Till

Sql = Callable[..., list[tuple[Any, ...]]]

GROWING = {
    "audit_entry", "button", "card", "card_seal", "conversation", "delivery", "hold", "identity", "import_refusal",
    "inbox", "line_share", "message", "money_hold", "opening_budget", "order_line", "outgoing", "payment",
    "payment_event", "pool_budget", "refund", "send_attempt", "shop_order", "shopper", "stock_event", "submission",
    "transfer", "audit_link", "batch", "import_job", "keystall_task",
}  # fmt: skip
"""Tables that grow with the sales or the stock: none of them is ever read from end to end for a figure."""


def read(families: Iterable[Family]) -> dict[str, dict[tuple[str, ...], float]]:
    """As a reader of Prometheus's own sees the text: the values of each name by those of its labels, in their order."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in parsed(exposed(list(families))):
        for sample in family.samples:
            labels = tuple(sample.labels[name] for name in sorted(sample.labels))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def figures_now() -> dict[str, dict[tuple[str, ...], float]]:
    """What the tables say."""
    return read(answers())


def nodes(plan: Any) -> list[dict[str, Any]]:
    """Every node of a plan."""
    return [plan, *(found for inner in plan.get("Plans", []) for found in nodes(inner))]


def test_no_figure_reads_a_table_that_grows_from_end_to_end(store_db: object, sql: Sql) -> None:
    """Where an index serves, the planner takes it once reading the table is dear."""
    sql("SET enable_seqscan = off")

    plans = {one.figures[0].name: sql(f"EXPLAIN (FORMAT JSON) {one.sql}")[0][0][0]["Plan"] for one in QUESTIONS}

    read = {name: {node.get("Relation Name") for node in nodes(plan) if node["Node Type"] == "Seq Scan"}
            for name, plan in plans.items()}  # fmt: skip
    assert {name: tables & GROWING for name, tables in read.items() if tables & GROWING} == {}


def test_every_question_is_answered_with_the_rights_of_web(store_db: object) -> None:
    found = {family.name: family for family in answers()}

    assert found["keystall_figures_unanswered"].samples[0].value == 0
    assert {one.name for question in QUESTIONS for one in question.figures} <= found.keys()
    assert all(family.meaning.endswith(".") for family in found.values())


def test_orders_deliveries_and_money_are_counted_as_they_stand(
    shop: Shop, till: Till, talker: Talker, sql: Sql
) -> None:
    shop.a_batch(cards=20)
    till.start(shop.place(talker, shop.a_listing()))
    till.pay(shop.place(talker, shop.a_listing()))
    sql("UPDATE delivery SET created_at = now() - interval '10 minutes'")

    found = figures_now()

    assert found["keystall_orders_awaiting_payment"] == {(): 1}
    assert found["keystall_orders_last_hour"] == {("awaiting_payment",): 1, ("paid",): 1}
    assert found["keystall_deliveries_ready"] == {(): 1}
    assert 590 < found["keystall_delivery_oldest_seconds"][()] < 660
    assert found["keystall_queue_tasks"] == {(): shop.count("keystall_task")}
    assert 0 <= found["keystall_queue_oldest_seconds"][()] < 60
    assert found["keystall_suspense_open"] == {(): 0}
    assert found["keystall_stock_out"] == {(): 1}  # no sweep has counted yet
    assert found["keystall_sku_free"] == {("A1",): 0}


def test_a_real_shop_without_a_backup_is_as_old_as_its_database_and_a_test_has_none(store_db: object, sql: Sql) -> None:
    assert "keystall_backup_age_seconds" not in figures_now()

    sql("ALTER TABLE installation DISABLE TRIGGER USER", role="superuser")
    sql(
        "UPDATE installation SET kind = 'production', sandbox_public_key = NULL, opening_budget_per_hour = NULL,"
        " created_at = now() - interval '3 days'",
        role="superuser",
    )

    found = figures_now()
    assert 259_100 < found["keystall_backup_age_seconds"][()] < 259_300
    assert found["keystall_restore_unreleased"] == {(): 0}


def test_a_question_that_takes_too_long_is_left_out_and_said(
    store_db: object, urls: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.figures.questions.PATIENCE", "SET LOCAL statement_timeout = '50ms'")

    with psycopg.connect(urls["owner"]) as other:
        other.execute("LOCK TABLE refund IN ACCESS EXCLUSIVE MODE")
        found = figures_now()

    assert found["keystall_figures_unanswered"] == {(): 1}
    assert "keystall_refunds_stuck" not in found
    assert found["keystall_suspense_open"] == {(): 0}


def test_each_process_is_seen_with_its_own_labels_by_whichever_web_process_is_asked(store_db: object) -> None:
    worker, web = Figures(), Figures()
    worker.counter("keystall_work_total", "Work.", "kind").add("deliver", by=3)
    web.counter("keystall_http_requests_total", "Requests.", "route").add("/", by=2)
    other = Figures()
    other.counter("keystall_http_requests_total", "Requests.", "route").add("/", by=5)
    Publisher("worker", worker, host="one").write()
    Publisher("web", other, place=1, host="one").write()
    own = Publisher("web", web, host="one")
    own.write()
    web.counter("keystall_http_requests_total", "Requests.", "route").add("/")  # after it was written

    found = read(Gathered(own).families())

    assert found["keystall_work_total"] == {("one", "deliver", "0", "worker"): 3}
    assert found["keystall_http_requests_total"] == {("one", "0", "web", "/"): 3, ("one", "1", "web", "/"): 5}
    assert found["keystall_database_up"] == {(): 1}
    assert len(found["keystall_process_starts"]) == 3


def test_a_process_that_has_ended_is_shown_no_more_and_forgotten_after_a_day(
    store_db: object, urls: dict[str, str], sql: Sql
) -> None:
    Publisher("worker", Figures(), host="one").write()
    sql("UPDATE process_figures SET written_at = written_at - interval '2 minutes'")

    assert list(published()) == []
    db.connect(urls["worker"])
    assert forget_ended(now=datetime.now(UTC)) == 0
    assert forget_ended(now=datetime.now(UTC) + timedelta(days=1)) == 1


def test_of_two_processes_of_one_place_the_newer_has_the_row(store_db: object, sql: Sql) -> None:
    old = Publisher("web", Figures(), host="one")
    new = Publisher("web", Figures(), host="one")
    old.write()
    new.write()
    old.write()

    (row,) = published()
    assert row.started_at == new.started_at > old.started_at
    assert row.starts == 2


def test_a_row_that_none_of_ours_wrote_is_left_out(store_db: object, sql: Sql) -> None:
    Publisher("web", Figures(), host="one").write()
    sql(
        "INSERT INTO process_figures (host, process, place, started_at, written_at, figures)"
        """ VALUES ('two', 'bot', 0, now(), now(), '[["evil name", "gauge", "x", []]]')"""
    )

    assert [one.host for one in published()] == ["one"]


def test_with_the_database_away_a_process_still_shows_what_it_knows_itself(
    store_db: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = Figures()
    figures.counter("keystall_work_total", "Work.").add()

    def away() -> None:
        raise peewee.OperationalError("the server went away")

    monkeypatch.setattr("core.db.connection", away)
    found = read(Gathered(Publisher("web", figures, host="one")).families())

    assert found["keystall_database_up"] == {(): 0}
    assert found["keystall_work_total"] == {("one", "0", "web"): 1}


@pytest.mark.parametrize(
    ("budget", "written"),
    [
        ("merchant", "INSERT INTO opening_budget VALUES (1, 1, date_trunc('hour', now()), 81)"),
        ("pool", "INSERT INTO pool_budget VALUES (1, 1, date_trunc('hour', now()), 405, 0)"),
        ("free", "INSERT INTO pool_budget VALUES (1, 1, date_trunc('hour', now()), 17, 17)"),
    ],
)
def test_the_alarm_of_openings_looks_at_merchants_at_pools_and_at_what_nobody_paid_for(
    store_db: object, sql: Sql, budget: str, written: str
) -> None:
    """A hundred cards at a merchant, five hundred of a pool, twenty for nothing; yesterday's openings are over."""
    sql("UPDATE installation SET opening_budget_per_hour = 100", role="superuser")
    sql("INSERT INTO opening_budget VALUES (1, 1, now() - interval '1 day', 5000)", role="superuser")
    sql("INSERT INTO pool_budget VALUES (1, 1, now() - interval '1 day', 5000, 5000)", role="superuser")
    alarm = next(one for one in ALARMS if one.name == "KeystallBudgetNearlyUsed")
    assert list(alarm.fires(Gathered(Publisher("web", Figures())).families())) == []

    sql(written, role="superuser")

    fired = list(alarm.fires(Gathered(Publisher("web", Figures())).families()))
    assert [(labels, 0.8 < value < 0.86) for labels, value in fired] == [({"budget": budget}, True)]


def test_however_many_ask_the_tables_are_asked_once_in_a_while(
    store_db: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    now = [100.0]
    monkeypatch.setattr("ops.figures.gathered.published", lambda: asked.append(now[0]) or [])
    gathered = Gathered(Publisher("web", Figures()), clock=lambda: now[0])

    for moved in (0.0, 1.0, KEPT, 0.1):
        now[0] += moved
        gathered.families()

    assert asked == [100.0, 101.0 + KEPT]
