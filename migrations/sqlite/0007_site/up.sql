-- What the newsroom says of its site: one row, made at the first start.
CREATE TABLE site (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    -- As it is written by `PATCH /site`, as JSON.
    profile TEXT NOT NULL,
    -- The schemas that `custom` of an article is held to, as JSON; nothing where there are none.
    custom_fields TEXT,
    version INTEGER NOT NULL,
    updated_at BIGINT NOT NULL
);
