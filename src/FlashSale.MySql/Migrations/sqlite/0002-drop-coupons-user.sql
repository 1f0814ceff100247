-- As in the other databases: nothing asks the ledger for the coupons of one user.
DROP INDEX IF EXISTS coupons_user;
