-- What failed lately, for the first page of whoever sees every merchant: few rows of a day have failed lines.
CREATE INDEX report_sale_failed ON report_sale (day) WHERE failed > 0;
