-- What the panel tells of one order and one shopper. Views, each cut to the party that asks: nothing of a supplier's
-- other hops (INV-T3), no sealed column, no whole address or number of a person. They run as their owner.

-- A shop may take no further orders from a shopper; what is paid is delivered all the same.
ALTER TABLE shopper ADD COLUMN blocked_at timestamptz;

CREATE VIEW panel_order AS
SELECT o.id, o.merchant_id, o.shopper_id, i.channel, o.risk, o.stranger, o.placed_at, o.deadline, o.paid_at, o.ended_at
FROM shop_order o JOIN identity i ON i.id = o.identity_id
WHERE panel_sees_all() OR o.merchant_id = panel_party();

CREATE VIEW panel_payment AS
SELECT p.id, p.order_id, p.merchant_id, p.shopper_id, p.rail, g.gateway, p.amount_minor, p.currency, p.state,
       p.refunded_minor, p.created_at, p.succeeded_at
FROM payment p LEFT JOIN gateway_account g ON g.id = p.gateway_account_id
WHERE panel_sees_all() OR p.merchant_id = panel_party();

-- Without the gateway's own bytes, which are evidence and hold what it says of the payer.
CREATE VIEW panel_payment_event AS
SELECT e.id, e.order_id, e.payment_id, g.merchant_id, e.gateway_account_id, g.gateway, e.external_id, e.kind,
       e.amount_minor, e.currency, e.received_at, e.booked_to, e.reason, e.decide_by, e.resolved_at, e.resolution,
       p.shopper_id, p.gateway_account_id = e.gateway_account_id AS is_own_account
FROM payment_event e JOIN gateway_account g ON g.id = e.gateway_account_id LEFT JOIN payment p ON p.id = e.payment_id
WHERE panel_sees_all() OR g.merchant_id = panel_party();

CREATE VIEW panel_refund AS
SELECT id, order_id, line_id, payment_id, merchant_id, to_wallet, amount_minor, currency, state, reason, created_at,
       ended_at
FROM refund WHERE panel_sees_all() OR merchant_id = panel_party();

-- Money that moved for an order: from which kind of account to which. What other parties than the merchant and the
-- platform got of a line is one sum, which is the price of the merchant's own hop.
CREATE VIEW panel_transfer AS
SELECT t.reference, t.at, t.code, t.currency, d.kind AS from_kind, f.whose AS from_whose, c.kind AS to_kind,
       i.whose AS to_whose, sum(t.amount)::bigint AS amount_minor, min(t.id) AS id
FROM transfer t JOIN account d ON d.id = t.debit_id JOIN account c ON c.id = t.credit_id
CROSS JOIN LATERAL (SELECT CASE WHEN d.holder NOT LIKE 'party:%' THEN '' WHEN d.holder = d.counterparty THEN 'own'
    WHEN EXISTS (SELECT 1 FROM party x WHERE 'party:' || x.id = d.holder AND x.kind = 'platform') THEN 'platform'
    WHEN d.holder = 'party:' || panel_party() THEN 'own' ELSE 'chain' END AS whose) f
CROSS JOIN LATERAL (SELECT CASE WHEN c.holder NOT LIKE 'party:%' THEN '' WHEN c.holder = c.counterparty THEN 'own'
    WHEN EXISTS (SELECT 1 FROM party x WHERE 'party:' || x.id = c.holder AND x.kind = 'platform') THEN 'platform'
    WHEN c.holder = 'party:' || panel_party() THEN 'own' ELSE 'chain' END AS whose) i
WHERE panel_sees_all() OR 'party:' || panel_party() IN (d.counterparty, c.counterparty)
GROUP BY t.reference, t.at, t.code, t.currency, d.kind, f.whose, c.kind, i.whose;

-- What a chat was told about an order: of which kind, never what stood in it.
CREATE VIEW panel_message AS
SELECT o.id AS order_id, m.body ->> 'order' AS about, m.id, m.kind, m.created_at, g.state
FROM shop_order o JOIN message m ON m.conversation_id = o.conversation_id LEFT JOIN outgoing g ON g.message_id = m.id
WHERE panel_sees_all() OR o.merchant_id = panel_party();

CREATE VIEW panel_send_attempt AS
SELECT a.order_id, a.id, a.at, a.way, a.outcome, a.problem, m.kind AS told
FROM send_attempt a JOIN shop_order o ON o.id = a.order_id LEFT JOIN message m ON m.id = a.message_id
WHERE panel_sees_all() OR o.merchant_id = panel_party();

CREATE VIEW panel_task AS
SELECT t.id, t.order_id, t.line_id, t.merchant_id, t.staff_id, s.name AS holder, t.taken_at, t.opened_at, t.done_at
FROM task t LEFT JOIN staff s ON s.id = t.staff_id
WHERE panel_sees_all() OR t.merchant_id = panel_party();

-- Who of the staff did something: by name, to those of the same party, and to the platform.
CREATE VIEW panel_person AS
SELECT s.id, s.name FROM staff s
WHERE panel_sees_all() OR EXISTS (SELECT 1 FROM staff_role r WHERE r.staff_id = s.id AND r.party_id = panel_party());

CREATE VIEW panel_shopper AS
SELECT id, merchant_id, locale, paid_orders, created_at, merged_into, blocked_at
FROM shopper WHERE panel_sees_all() OR merchant_id = panel_party();

-- The last four signs of a person's number on a platform, as its owner sees them too (core.members.accounts).
CREATE VIEW panel_identity AS
SELECT id, shopper_id, merchant_id, channel, created_at,
       CASE WHEN channel = 'web' THEN '' ELSE right(regexp_replace(external_id, ':[^:]*$', ''), 4) END AS hint
FROM identity WHERE panel_sees_all() OR merchant_id = panel_party();

CREATE VIEW panel_contact AS
SELECT shopper_id, merchant_id, kind, confirmed_at,
       CASE kind WHEN 'email' THEN left(address, 1) || '***' || substring(address FROM '@.*$')
                 ELSE '***' || right(address, 4) END AS masked
FROM contact WHERE panel_sees_all() OR merchant_id = panel_party();

CREATE VIEW panel_membership AS
SELECT m.shopper_id, m.merchant_id, p.code, p.names, m.since, m.until
FROM membership m JOIN plan p ON p.id = m.plan_id
WHERE panel_sees_all() OR m.merchant_id = panel_party();

CREATE VIEW panel_wallet AS
SELECT a.id, a.holder, a.kind, a.currency, a.balance
FROM account a WHERE a.kind IN ('wallet', 'wallet_hold')
  AND (panel_sees_all() OR a.counterparty = 'party:' || panel_party());

-- A wallet's movements as its shopper means them: what it holds and what is set aside are one.
CREATE VIEW panel_wallet_move AS
SELECT a.holder, t.id, t.at, t.code, t.reference, t.currency, t.amount AS amount_minor, a.counterparty
FROM transfer t JOIN account a ON a.id = t.credit_id AND a.kind IN ('wallet', 'wallet_hold')
LEFT JOIN account o ON o.id = t.debit_id AND o.holder = a.holder AND o.kind IN ('wallet', 'wallet_hold')
WHERE o.id IS NULL AND (panel_sees_all() OR a.counterparty = 'party:' || panel_party())
UNION ALL
SELECT a.holder, t.id, t.at, t.code, t.reference, t.currency, -t.amount, a.counterparty
FROM transfer t JOIN account a ON a.id = t.debit_id AND a.kind IN ('wallet', 'wallet_hold')
LEFT JOIN account o ON o.id = t.credit_id AND o.holder = a.holder AND o.kind IN ('wallet', 'wallet_hold')
WHERE o.id IS NULL AND (panel_sees_all() OR a.counterparty = 'party:' || panel_party());

-- A card as its owner and the shop that sold it see it; who bought it is the shop's alone, and that somebody else
-- brought it too is nobody's here.
CREATE VIEW panel_card AS
SELECT c.id, c.mask, c.state, c.expires_on, b.id AS batch_id, b.no AS batch_no, k.code AS sku_code,
       panel_sees_all() OR c.owner_id = panel_party() AS is_own,
       CASE WHEN panel_sees_all() OR l.merchant_id = panel_party() THEN l.order_id END AS order_id,
       CASE WHEN panel_sees_all() OR l.merchant_id = panel_party() THEN l.id END AS line_id,
       CASE WHEN panel_sees_all() OR l.merchant_id = panel_party() THEN c.opened_at END AS opened_at,
       c.delivered_at
FROM card c JOIN batch b ON b.no = c.batch_no JOIN sku k ON k.id = c.sku_id LEFT JOIN order_line l ON l.id = c.line_id
WHERE panel_sees_all() OR c.owner_id = panel_party() OR l.merchant_id = panel_party();

GRANT SELECT ON panel_order, panel_payment, panel_payment_event, panel_refund, panel_transfer, panel_message,
    panel_send_attempt, panel_task, panel_person, panel_shopper, panel_identity, panel_contact, panel_membership,
    panel_wallet, panel_wallet_move, panel_card TO keystall_panel;

-- Lists read a page of what they show; an order that sells its cards is in none of these but by its day.
CREATE INDEX shop_order_ended ON shop_order (merchant_id, state, id DESC)
    WHERE state IN ('expired', 'cancelled', 'returned');
CREATE INDEX shop_order_placed ON shop_order USING brin (placed_at) WITH (pages_per_range = 16);
CREATE INDEX order_line_waits ON order_line (merchant_id, order_id) WHERE gate IN ('review', 'task');
CREATE INDEX shopper_merchant ON shopper (merchant_id, id DESC);
CREATE INDEX shopper_blocked ON shopper (merchant_id, id DESC) WHERE blocked_at IS NOT NULL;
