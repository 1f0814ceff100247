-- The ledger of the coupon machine. MySQL 8 and MariaDB 10.6 or newer.
-- Ids and codes are ASCII and case-sensitive. Instants are Unix milliseconds in UTC. Statements end with ';' at the end of a line.
-- The statements are repeatable: MySQL commits each one, so that a migration may break off between two of them.

-- How far each partition is written: the fence that every transaction starts with.
CREATE TABLE IF NOT EXISTS ledger_marks (
  partition_no   INT         NOT NULL PRIMARY KEY,
  log_id         VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  written_offset BIGINT      NOT NULL COMMENT 'last command record whose outcomes are written',
  written_record VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'id of that record',
  event_offset   BIGINT      NOT NULL COMMENT 'next event to be read'
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

CREATE TABLE IF NOT EXISTS campaigns (
  campaign_id    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  partition_no   INT         NOT NULL,
  campaign_no    INT         NOT NULL COMMENT 'number within the partition, part of the coupon codes',
  quantity       INT         NOT NULL,
  per_user       INT         NOT NULL,
  opens_at_ms    BIGINT      NOT NULL COMMENT '0: when opened',
  closes_at_ms   BIGINT      NOT NULL COMMENT '0: never',
  is_closed      TINYINT     NOT NULL,
  issued         INT         NOT NULL,
  opened_at_ms   BIGINT      NOT NULL,
  description    TEXT        CHARACTER SET utf8mb4 NOT NULL COMMENT 'JSON as given'
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

-- One row per issued coupon. The primary key, its address, makes each partition append at one place of the table.
-- (campaign_id, sequence_no) lists the winners in order of service, as numbers are given in that order, and would show a
-- coupon given twice; the code follows from them and needs no index of its own.
CREATE TABLE IF NOT EXISTS coupons (
  partition_no   INT         NOT NULL,
  record_offset  BIGINT      NOT NULL,
  command_index  INT         NOT NULL,
  campaign_id    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  sequence_no    INT         NOT NULL COMMENT 'number within the campaign, from 0',
  coupon_code    VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  claim_id       BIGINT      NOT NULL COMMENT '64 bits, read as signed',
  instant_ms     BIGINT      NOT NULL COMMENT 'when the door accepted the claim',
  PRIMARY KEY (partition_no, record_offset, command_index),
  UNIQUE KEY coupons_campaign (campaign_id, sequence_no),
  KEY coupons_user (user_id, instant_ms)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

CREATE TABLE IF NOT EXISTS refusal_counts (
  partition_no   INT         NOT NULL,
  campaign_id    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'as the caller named it; empty for undecodable records',
  reason         VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  claims         BIGINT      NOT NULL,
  PRIMARY KEY (partition_no, campaign_id, reason),
  KEY refusal_counts_campaign (campaign_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

-- Written with Ledger:EveryRefusal only.
CREATE TABLE IF NOT EXISTS refusals (
  partition_no   INT         NOT NULL,
  record_offset  BIGINT      NOT NULL,
  command_index  INT         NOT NULL,
  campaign_id    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reason         VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  instant_ms     BIGINT      NOT NULL,
  PRIMARY KEY (partition_no, record_offset, command_index),
  KEY refusals_user (user_id, instant_ms)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;
