DROP FUNCTION staff_keys;
DROP FUNCTION published_keys;
DROP INDEX published_names_by_word;
ALTER TABLE staff_terms ALTER COLUMN terms SET STORAGE EXTENDED;
ALTER TABLE staff_terms RESET (toast_tuple_target);
ALTER TABLE published_terms ALTER COLUMN terms SET STORAGE EXTENDED;
ALTER TABLE published_terms RESET (toast_tuple_target);
