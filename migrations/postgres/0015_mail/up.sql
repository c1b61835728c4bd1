-- Letters that wait, and for a while those that were sent or given up. None holds a token: the token is made when the
-- letter is written, just before it is sent, and only its hash is kept. `email` is forgotten with the waiting.
CREATE TABLE letters (
    id UUID PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    user_id UUID REFERENCES users (id) ON DELETE CASCADE,
    email TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    next_at BIGINT,
    attempts INTEGER NOT NULL DEFAULT 0,
    sent_at BIGINT,
    given_up_at BIGINT,
    why TEXT
);
CREATE INDEX letters_that_wait ON letters (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX letters_by_user ON letters (user_id, kind, created_at);

-- The address that a token is about, where it is about one.
ALTER TABLE one_time_tokens ADD COLUMN email TEXT;
CREATE INDEX one_time_tokens_by_user ON one_time_tokens (user_id);
