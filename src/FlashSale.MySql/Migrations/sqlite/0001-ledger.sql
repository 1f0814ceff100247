-- The same tables as in ../mysql/0001-ledger.sql, which explains them.

CREATE TABLE ledger_marks (
  partition_no   INTEGER NOT NULL PRIMARY KEY,
  log_id         TEXT    NOT NULL,
  written_offset INTEGER NOT NULL,
  written_record TEXT    NOT NULL,
  event_offset   INTEGER NOT NULL
);

CREATE TABLE campaigns (
  campaign_id    TEXT    NOT NULL PRIMARY KEY,
  partition_no   INTEGER NOT NULL,
  campaign_no    INTEGER NOT NULL,
  quantity       INTEGER NOT NULL,
  per_user       INTEGER NOT NULL,
  opens_at_ms    INTEGER NOT NULL,
  closes_at_ms   INTEGER NOT NULL,
  is_closed      INTEGER NOT NULL,
  issued         INTEGER NOT NULL,
  opened_at_ms   INTEGER NOT NULL,
  description    TEXT    NOT NULL
) WITHOUT ROWID;

CREATE TABLE coupons (
  partition_no   INTEGER NOT NULL,
  record_offset  INTEGER NOT NULL,
  command_index  INTEGER NOT NULL,
  campaign_id    TEXT    NOT NULL,
  sequence_no    INTEGER NOT NULL,
  coupon_code    TEXT    NOT NULL,
  user_id        TEXT    NOT NULL,
  claim_id       INTEGER NOT NULL,
  instant_ms     INTEGER NOT NULL,
  PRIMARY KEY (partition_no, record_offset, command_index)
) WITHOUT ROWID;

CREATE UNIQUE INDEX coupons_campaign ON coupons (campaign_id, sequence_no);

CREATE INDEX coupons_user ON coupons (user_id, instant_ms);

CREATE TABLE refusal_counts (
  partition_no   INTEGER NOT NULL,
  campaign_id    TEXT    NOT NULL,
  reason         TEXT    NOT NULL,
  claims         INTEGER NOT NULL,
  PRIMARY KEY (partition_no, campaign_id, reason)
) WITHOUT ROWID;

CREATE INDEX refusal_counts_campaign ON refusal_counts (campaign_id);

CREATE TABLE refusals (
  partition_no   INTEGER NOT NULL,
  record_offset  INTEGER NOT NULL,
  command_index  INTEGER NOT NULL,
  campaign_id    TEXT    NOT NULL,
  user_id        TEXT    NOT NULL,
  reason         TEXT    NOT NULL,
  instant_ms     INTEGER NOT NULL,
  PRIMARY KEY (partition_no, record_offset, command_index)
) WITHOUT ROWID;

CREATE INDEX refusals_user ON refusals (user_id, instant_ms);
