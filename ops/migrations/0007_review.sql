-- Lines that wait for a person are counted whenever somebody reads the figures.
CREATE INDEX order_line_review ON order_line (order_id) WHERE gate = 'review';
