-- A coupon's row has one place, that of its number in its campaign: nothing asks for rows by address but an audit, which reads campaign by campaign,
-- and an index less is a quarter of the database's time for a row. What keeps a record from being written twice is the mark; a coupon given twice, or
-- written twice, is refused by this key.
SET @rekey = (SELECT IF(COUNT(*) = 0, 'DO 0', 'ALTER TABLE coupons DROP PRIMARY KEY, DROP INDEX coupons_campaign, ADD PRIMARY KEY (campaign_id, sequence_no)')
  FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 'coupons' AND index_name = 'coupons_campaign');
PREPARE rekey_coupons FROM @rekey;
EXECUTE rekey_coupons;
DEALLOCATE PREPARE rekey_coupons;
