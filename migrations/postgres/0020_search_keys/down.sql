DROP FUNCTION published_keys;
ALTER TABLE published_terms ALTER COLUMN terms SET STORAGE EXTENDED;
ALTER TABLE published_terms RESET (toast_tuple_target);
DROP FUNCTION staff_keys;
ALTER TABLE staff_terms ALTER COLUMN terms SET STORAGE EXTENDED;
ALTER TABLE staff_terms RESET (toast_tuple_target);
