DELETE FROM users WHERE is_key;
DROP TABLE api_keys;
DROP INDEX users_by_created_at;
DROP INDEX users_by_name;
ALTER TABLE users DROP COLUMN is_key;
ALTER TABLE sessions DROP COLUMN wrong_passwords;
ALTER TABLE keys DROP COLUMN signs_from;
