-- As in the other databases: a coupon's row has one place, that of its number in its campaign.
-- SQLite cannot change a primary key: the table is made anew, with the same columns.
CREATE TABLE coupons_by_campaign (
  partition_no   INTEGER NOT NULL,
  record_offset  INTEGER NOT NULL,
  command_index  INTEGER NOT NULL,
  campaign_id    TEXT    NOT NULL,
  sequence_no    INTEGER NOT NULL,
  coupon_code    TEXT    NOT NULL,
  user_id        TEXT    NOT NULL,
  claim_id       INTEGER NOT NULL,
  instant_ms     INTEGER NOT NULL,
  PRIMARY KEY (campaign_id, sequence_no)
) WITHOUT ROWID;

INSERT INTO coupons_by_campaign SELECT * FROM coupons;

DROP TABLE coupons;

ALTER TABLE coupons_by_campaign RENAME TO coupons;
