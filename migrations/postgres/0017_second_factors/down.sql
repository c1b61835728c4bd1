DROP TABLE sign_in_codes;
DROP TABLE identities;
DROP TABLE recovery_codes;
DROP TABLE totp_secrets;
ALTER TABLE sessions DROP COLUMN signed_in_by;
ALTER TABLE users DROP COLUMN second_factor_at;
