DROP INDEX one_time_tokens_by_user;
ALTER TABLE one_time_tokens DROP COLUMN email;
DROP TABLE letters;
