-- What the platform's pages ask: who did something, and what was done, without reading every order's entries.

-- Shoppers and the store itself write most entries; whoever asks for a person asks for staff or for another system.
CREATE INDEX audit_entry_person ON audit_entry (actor_id, id DESC) WHERE actor_kind IN ('staff', 'api_key');

-- What happens with each order is found from the newest back; the rest by its name.
CREATE INDEX audit_entry_action ON audit_entry (action, id DESC)
    WHERE action <> ALL (ARRAY['order.placed', 'order.paid', 'order.delivered', 'order.released', 'session.opened']);

-- When each sweep is due again stands among huey's counters.
GRANT SELECT ON keystall_counter TO keystall_shop;
