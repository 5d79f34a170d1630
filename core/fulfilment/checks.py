"""The invariants of cards, orders and parties as questions to a live database, and the list of all there are."""

from __future__ import annotations

from core.ledger.checks import PARTS as LEDGER_PARTS
from core.ledger.parts import Form, Over, Part, guarded
from core.orders.checks import PARTS as TRADE_PARTS
from core.payments.checks import PARTS as PAYMENT_PARTS
from core.stock.counting import YOUNG_CARDS

STOCK_PARTS = (
    # A card is in exactly one state; a delivered one has a line and a time, a free one has neither.
    Part(
        "INV-S1",
        Over.CARDS,
        """
        SELECT count(*) FROM {cards} AS card WHERE NOT coalesce(CASE state
            WHEN 'free' THEN line_id IS NULL AND delivered_at IS NULL AND opened_at IS NULL
            WHEN 'held' THEN line_id IS NOT NULL AND delivered_at IS NULL AND opened_at IS NULL
            WHEN 'claimed' THEN line_id IS NOT NULL AND delivered_at IS NULL
            WHEN 'delivered' THEN line_id IS NOT NULL AND delivered_at IS NOT NULL AND opened_at IS NOT NULL
            WHEN 'quarantined' THEN delivered_at IS NULL
            WHEN 'withdrawn' THEN line_id IS NULL AND opened_at IS NULL AND delivered_at IS NULL
            WHEN 'void' THEN true END, false)
        """,
    ),
    guarded("INV-S1", constraints=("card_one_state",)),
    # No line has more cards than were ordered, none of another SKU; an opened card has its line.
    Part(
        "INV-S2",
        Over.ORDERS,
        """
        SELECT count(*) FROM (
            SELECT 1 FROM {lines} AS l JOIN card c ON c.line_id = l.id
            WHERE c.state IN ('held', 'claimed', 'delivered')
            GROUP BY l.id, l.quantity HAVING count(*) > l.quantity) AS more
        """,
    ),
    Part(
        "INV-S2",
        Over.CARDS,
        """
        SELECT count(*) FROM {cards} AS c LEFT JOIN order_line l ON l.id = c.line_id
        WHERE (c.line_id IS NOT NULL AND l.sku_id IS DISTINCT FROM c.sku_id)
           OR (c.line_id IS NULL AND c.opened_at IS NOT NULL)
        """,
    ),
    guarded("INV-S2", constraints=("card_line_sku",), triggers=("card_sold_once",)),
    # Every imported card of a finished batch is there, in whatever state.
    Part(
        "INV-S3",
        Over.BOOKS,
        """
        SELECT count(*) FROM batch b
        LEFT JOIN (SELECT batch_no, count(*) AS cards FROM card GROUP BY batch_no) c ON c.batch_no = b.no
        WHERE b.state IN ('selling', 'locked', 'recalled') AND coalesce(c.cards, 0) <> b.card_count
        """,
        Form.WHOLE,
    ),
    # A card is never deleted and never leaves its batch, so that a count of a finished batch stays right while these
    # triggers are in force; `verify --full` counts again. What no checkpoint counted yet is counted here: among young
    # cards first, since their ids tell their time, and among all where that does not come out.
    guarded("INV-S3", triggers=("card_never_deleted", "card_sold_once")),
    Part(
        "INV-S3",
        Over.BOOKS,
        f"""
        SELECT count(*) FROM batch b LEFT JOIN checkpoint_batch k ON k.batch_no = b.no
        LEFT JOIN ({YOUNG_CARDS}) AS c ON c.batch_no = b.no
        WHERE b.state IN ('selling', 'locked', 'recalled') AND b.card_count <> coalesce(k.cards, c.cards, 0)
          AND (k.batch_no IS NOT NULL OR b.card_count <> (SELECT count(*) FROM card x WHERE x.batch_no = b.no))
        """,  # noqa: S608 - constants of this module only
        Form.BOUNDED,
    ),
    # An open hold keeps exactly its cards for an unpaid order; an ended one keeps none. Cards that a restore set
    # aside, because they went out before, are kept too: their line waits for a person.
    Part(
        "INV-S5",
        Over.ORDERS,
        """
        SELECT count(*) FROM {orders} AS o JOIN hold h ON h.order_id = o.id
        WHERE h.state = 'open' AND (o.state <> 'awaiting_payment' OR (
            SELECT count(*) FROM card c JOIN order_line x ON x.id = c.line_id
            WHERE c.line_id = h.line_id AND (c.state = 'held' OR (c.state = 'quarantined' AND x.gate = 'review')))
            <> (SELECT CASE WHEN l.plan_id IS NULL AND l.gate <> 'supply' THEN h.quantity ELSE 0 END
                FROM order_line l WHERE l.id = h.line_id))
        """,
    ),
    Part(
        "INV-S5",
        Over.CARDS,
        """
        SELECT count(*) FROM {cards} AS c
        WHERE (c.state = 'held'
               AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.line_id = c.line_id AND h.state = 'open'))
           OR (c.state IN ('claimed', 'delivered')
               AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.line_id = c.line_id AND h.state = 'captured'))
        """,
    ),
    # What was opened or delivered is on sale nowhere.
    Part(
        "INV-S6",
        Over.CARDS,
        """
        SELECT count(*) FROM {cards} AS card
        WHERE state IN ('free', 'held', 'withdrawn') AND (opened_at IS NOT NULL OR delivered_at IS NOT NULL)
        """,
    ),
    guarded("INV-S6", constraints=("card_one_state",), triggers=("card_sold_once",)),
)

VAULT_PARTS = (
    # Every opened card is named by an audit entry of the first opening of its line, written with its mark.
    Part(
        "INV-K4",
        Over.CARDS,
        """
        SELECT count(*) FROM {cards} AS c WHERE c.opened_at IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM audit_entry a
            WHERE a.object_kind = 'line' AND a.object_id = c.line_id::text AND a.action = 'cards.opened'
              AND a.at <= c.opened_at AND a.detail -> 'cards' ? c.id::text)
        """,
    ),
)

ORDER_PARTS = (
    # Nothing is opened, sent or delivered before the order is paid in full.
    Part(
        "INV-O2",
        Over.ORDERS,
        """
        SELECT count(*) FROM {orders} AS o JOIN delivery d ON d.order_id = o.id
        WHERE o.paid_minor < o.total_minor OR o.paid_at IS NULL OR o.state NOT IN ('paid', 'closed')
        """,
    ),
    Part(
        "INV-O2",
        Over.CARDS,
        """
        SELECT count(*) FROM {cards} AS c JOIN order_line l ON l.id = c.line_id JOIN shop_order o ON o.id = l.order_id
        WHERE (c.state IN ('claimed', 'delivered') OR c.opened_at IS NOT NULL)
          AND (o.paid_minor < o.total_minor OR o.paid_at IS NULL)
        """,
    ),
    guarded("INV-O2", constraints=("shop_order_paid_enough",)),
    # Delivered + pending = ordered, for every line of a paid order; nothing is claimed for any other. Cards that were
    # set aside count as pending while their line waits for a person.
    Part(
        "INV-O3",
        Over.ORDERS,
        """
        SELECT count(*) FROM {lines} AS l
        JOIN shop_order o ON o.id = l.order_id
        LEFT JOIN delivery d ON d.line_id = l.id
        LEFT JOIN (
            SELECT c.line_id, count(*) FILTER (WHERE c.state = 'delivered') AS delivered,
                   count(*) FILTER (WHERE c.state = 'claimed') AS pending,
                   count(*) FILTER (WHERE c.state = 'quarantined') AS aside
            FROM {lines} AS x JOIN card c ON c.line_id = x.id GROUP BY c.line_id) c ON c.line_id = l.id
        WHERE l.gate <> 'cancelled' AND l.plan_id IS NULL AND (
            coalesce(c.delivered, 0) <> CASE WHEN d.state = 'delivered' THEN l.quantity ELSE 0 END
            OR CASE
                WHEN o.state NOT IN ('paid', 'closed') OR d.state IN ('delivered', 'refunded')
                    THEN coalesce(c.pending, 0) <> 0
                WHEN l.gate = 'review'
                    THEN coalesce(c.pending, 0) > l.quantity OR (coalesce(c.pending + c.aside, 0) < l.quantity
                        AND NOT EXISTS (SELECT 1 FROM supplier_line s WHERE s.line_id = l.id))
                ELSE coalesce(c.pending, 0) <> CASE l.gate WHEN 'supply' THEN 0 ELSE l.quantity END END)
        """,
    ),
    # As long as nobody knows what became of a supplier's request, its lines wait: neither given up nor paid back; and a
    # line is never in two requests, nor a request sent twice (the triggers). A restore may hold a line back meanwhile.
    Part(
        "INV-O4",
        Over.ORDERS,
        """
        SELECT count(*) FROM {lines} AS l JOIN supplier_line s ON s.line_id = l.id
        JOIN supplier_request r ON r.id = s.request_id
        WHERE r.state NOT IN ('delivered', 'rejected') AND (s.ended_at IS NOT NULL
            OR (l.gate <> 'supply' AND (l.gate, l.gate_reason) IS DISTINCT FROM ('review', 'went_out_before'))
            OR EXISTS (SELECT 1 FROM refund f WHERE f.line_id = l.id))
        """,
    ),
    guarded("INV-O4", triggers=("supplier_request_moves", "supplier_line_once")),
    # A membership has no cards: its period is there exactly when it was delivered, as long as what was bought, and is
    # taken back with its money.
    Part(
        "INV-O3",
        Over.ORDERS,
        """
        SELECT count(*) FROM {lines} AS l
        LEFT JOIN delivery d ON d.line_id = l.id LEFT JOIN membership_period p ON p.line_id = l.id
        WHERE (p.line_id IS NOT NULL) <> (l.plan_id IS NOT NULL AND d.state IS NOT DISTINCT FROM 'delivered')
           OR (p.line_id IS NOT NULL AND (
               (p.taken_back_at IS NOT NULL) <> (l.gate = 'cancelled')
               OR (p.plan_id, p.months, p.days) IS DISTINCT FROM (
                   l.plan_id,
                   l.quantity * l.plan_count * CASE l.plan_unit WHEN 'day' THEN 0 WHEN 'month' THEN 1 ELSE 12 END,
                   l.quantity * l.plan_count * CASE l.plan_unit WHEN 'day' THEN 1 ELSE 0 END)))
        """,
    ),
    # Until when somebody is a member follows from those periods: begun with one of them, for at most all that were not
    # taken back, and over then (to a day, since a zone's rules may change between the two counts of it).
    Part(
        "INV-O3",
        Over.BOOKS,
        """
        SELECT count(*) FROM membership m
        FULL JOIN (
            SELECT shopper_id, plan_id, array_agg(given_at) AS begins,
                   coalesce(sum(months) FILTER (WHERE taken_back_at IS NULL), 0) AS months,
                   coalesce(sum(days) FILTER (WHERE taken_back_at IS NULL), 0) AS days
            FROM membership_period GROUP BY 1, 2) AS p USING (shopper_id, plan_id)
        WHERE m.until IS NULL OR p.begins IS NULL OR m.since <> ALL (p.begins)
           OR m.months > p.months OR m.days > p.days
           OR abs(extract(epoch FROM m.until - (
                m.since AT TIME ZONE m.zone + make_interval(months => m.months, days => m.days)) AT TIME ZONE m.zone))
              > 86400
        """,
        Form.WHOLE,
    ),
    # No paid order is stuck: each line is delivered, under a lease that a sweep watches, or at a closed gate with a
    # reason. A lease that ended counts only if the store went on working long after it: its last 50 entries are all 15
    # minutes younger. A store that stood still meanwhile takes up what waits by its next sweep, and a clock that was
    # set back left later times before it (faults 17 and 18).
    Part(
        "INV-O9",
        Over.ORDERS,
        """
        SELECT count(*) FROM {orders} AS o
        JOIN order_line l ON l.order_id = o.id LEFT JOIN delivery d ON d.line_id = l.id
        WHERE o.state = 'paid' AND coalesce(CASE d.state
            WHEN 'delivered' THEN NOT EXISTS (
                SELECT 1 FROM delivery x WHERE x.order_id = o.id AND x.state NOT IN ('delivered', 'failed'))
            WHEN 'refunded' THEN false
            WHEN 'waiting' THEN l.gate = 'none'
            WHEN 'failed' THEN l.gate <> 'cancelled'
            ELSE d.lease_until IS NULL OR l.gate <> 'none'
                OR coalesce(greatest(d.lease_until, d.created_at) < (
                    SELECT CASE WHEN count(*) = 50 THEN min(at) END - interval '15 minutes'
                    FROM (SELECT at FROM audit_entry ORDER BY id DESC LIMIT 50) AS lately), false) END,
            true)
        """,
    ),
)

PARTY_PARTS = (
    # What is referred to belongs to the same owner, is shared by the platform, or came along an offer valid then (give
    # or take a clock that was set back by an hour, and an order placed in the moment of a change); a shopper that
    # became part of another is referred to by nothing and has nothing.
    Part(
        "INV-T2",
        Over.BOOKS,
        """
        SELECT (SELECT count(*) FROM listing l JOIN sku k ON k.id = l.sku_id JOIN product p ON p.id = k.product_id
                JOIN party owner ON owner.id = p.owner_id
                WHERE owner.kind <> 'platform' AND owner.id <> l.merchant_id)
             + (SELECT count(*) FROM source s CROSS JOIN LATERAL unnest(s.offer_ids) u(id)
                LEFT JOIN offer f ON f.id = u.id WHERE f.sku_id IS DISTINCT FROM s.sku_id)
             + (SELECT count(*) FROM shopper s WHERE s.merged_into IS NOT NULL AND (
                    EXISTS (SELECT 1 FROM identity i WHERE i.shopper_id = s.id)
                    OR EXISTS (SELECT 1 FROM payment p WHERE p.shopper_id = s.id)
                    OR EXISTS (SELECT 1 FROM membership m WHERE m.shopper_id = s.id)
                    OR EXISTS (SELECT 1 FROM account a WHERE a.holder = 'shopper:' || s.id AND a.balance <> 0
                               AND a.kind IN ('wallet', 'wallet_hold'))))
        """,
    ),
    Part(
        "INV-T2",
        Over.ORDERS,
        """
        SELECT (SELECT count(*) FROM {lines} AS l JOIN line_share s ON s.line_id = l.id
                JOIN hold h ON h.id = s.hold_id JOIN offer f ON f.id = s.offer_id
                WHERE f.sku_id <> h.sku_id OR f.seller_id <> s.party_id
                   OR f.valid_from > h.created_at + interval '65 minutes'
                   OR f.valid_to <= h.created_at - interval '65 minutes')
             + (SELECT count(*) FROM {lines} AS l JOIN hold h ON h.line_id = l.id JOIN card c ON c.line_id = l.id
                WHERE c.state IN ('held', 'claimed', 'delivered') AND h.state IN ('open', 'captured')
                  AND c.owner_id <> l.merchant_id AND NOT EXISTS (
                    SELECT 1 FROM offer f WHERE f.sku_id = c.sku_id AND f.seller_id = c.owner_id
                      AND f.valid_from <= h.created_at + interval '65 minutes'
                      AND (f.valid_to IS NULL OR f.valid_to > h.created_at - interval '65 minutes')))
             + (SELECT count(*) FROM {orders} AS o JOIN payment p ON p.order_id = o.id
                WHERE (p.merchant_id, p.shopper_id, coalesce(p.worth_currency, p.currency))
                      IS DISTINCT FROM (o.merchant_id, o.shopper_id, o.currency))
        """,
    ),
)

MONEY = (*LEDGER_PARTS, *PAYMENT_PARTS, *TRADE_PARTS)
GOODS = (*STOCK_PARTS, *VAULT_PARTS, *ORDER_PARTS, *PARTY_PARTS)


def all_parts() -> tuple[Part, ...]:
    """Every question as it is asked of some rows."""
    return (*MONEY, *GOODS)
