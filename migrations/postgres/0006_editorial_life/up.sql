-- What happened, and is never changed: written with what it tells of. What follows from it (notifications, webhooks) reads
-- it here, and whoever meets a conflict learns who changed what.
CREATE TABLE events (
    id UUID PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    -- What it happened to. It may be gone.
    subject_id UUID NOT NULL,
    -- The version that it made of it.
    version INTEGER NOT NULL,
    revision INTEGER,
    -- The names of the fields that changed, as a JSON list.
    fields TEXT NOT NULL,
    user_id UUID,
    at BIGINT NOT NULL
);
CREATE INDEX events_by_subject ON events (subject_id, version);

-- The revision that becomes public at `publish_at`.
ALTER TABLE articles ADD COLUMN scheduled_id UUID REFERENCES revisions (id);
ALTER TABLE articles ADD COLUMN scheduled_revision INTEGER;
ALTER TABLE articles ADD COLUMN corrected_at BIGINT;
-- A schedule made before it named a revision meant the one that was worked on.
UPDATE articles SET
    scheduled_id = working_id,
    scheduled_revision = (SELECT number FROM revisions WHERE revisions.id = articles.working_id)
WHERE publish_at IS NOT NULL;
CREATE INDEX articles_by_publish_at ON articles (publish_at) WHERE publish_at IS NOT NULL;
CREATE INDEX articles_by_unpublish_at ON articles (unpublish_at) WHERE unpublish_at IS NOT NULL;
CREATE INDEX articles_by_scheduled_id ON articles (scheduled_id) WHERE scheduled_id IS NOT NULL;
CREATE INDEX articles_by_deleted_at ON articles (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX articles_by_review ON articles (review) WHERE review IS NOT NULL;

ALTER TABLE revisions ADD COLUMN note TEXT;
ALTER TABLE revisions ADD COLUMN autosave BOOLEAN NOT NULL DEFAULT FALSE;

-- What was asked and answered about an article before it went out. The last word stands in `articles.review`, too.
CREATE TABLE reviews (
    id UUID PRIMARY KEY NOT NULL,
    article_id UUID NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    -- The number of the revision it is about.
    revision INTEGER NOT NULL,
    status TEXT NOT NULL,
    note TEXT,
    user_id UUID REFERENCES users (id) ON DELETE SET NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX reviews_by_article ON reviews (article_id, id);
CREATE INDEX reviews_by_user ON reviews (user_id);

-- Links for people without an account. Only hashes: what stands here opens nothing.
CREATE TABLE previews (
    id UUID PRIMARY KEY NOT NULL,
    article_id UUID NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    -- The one revision it shows; the working one of the day where there is none.
    revision_id UUID REFERENCES revisions (id) ON DELETE CASCADE,
    hash BYTEA NOT NULL UNIQUE,
    created_by UUID REFERENCES users (id) ON DELETE SET NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    views BIGINT NOT NULL DEFAULT 0,
    last_viewed_at BIGINT
);
CREATE INDEX previews_by_article ON previews (article_id, id);
CREATE INDEX previews_by_revision ON previews (revision_id);
CREATE INDEX previews_by_creator ON previews (created_by);
CREATE INDEX previews_by_expiry ON previews (expires_at);

-- Slugs that articles, authors, tags and sections had, which lead to what has them no longer.
CREATE TABLE old_slugs (
    kind TEXT NOT NULL,
    slug TEXT COLLATE "C" NOT NULL,
    target_id UUID NOT NULL,
    -- Whether the public ever found it there.
    public BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (kind, slug)
);
CREATE INDEX old_slugs_by_target ON old_slugs (target_id);

-- Other paths of the site that lead elsewhere.
CREATE TABLE redirects (
    id UUID PRIMARY KEY NOT NULL,
    source TEXT COLLATE "C" NOT NULL UNIQUE,
    target TEXT COLLATE "C" NOT NULL,
    status INTEGER NOT NULL,
    created_by UUID REFERENCES users (id) ON DELETE SET NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX redirects_by_target ON redirects (target);
CREATE INDEX redirects_by_creator ON redirects (created_by);

CREATE TABLE corrections (
    id UUID PRIMARY KEY NOT NULL,
    article_id UUID NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    created_by UUID REFERENCES users (id) ON DELETE SET NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX corrections_by_article ON corrections (article_id, id);
CREATE INDEX corrections_by_creator ON corrections (created_by);

-- When a comment was moved to the trash.
DROP VIEW published_comments;
ALTER TABLE comments ADD COLUMN trashed_at BIGINT;
UPDATE comments SET trashed_at = COALESCE(edited_at, created_at) WHERE status = 'trash';
CREATE INDEX comments_by_trashed_at ON comments (trashed_at) WHERE trashed_at IS NOT NULL;
-- What the public may see: comments below articles that are published.
CREATE VIEW published_comments AS SELECT c.*
FROM comments c
JOIN articles a ON a.id = c.article_id AND a.published_id IS NOT NULL AND a.deleted_at IS NULL
WHERE c.visible;

DROP VIEW article_revisions;
DROP VIEW published_articles;
-- What the public may see of articles, and nothing of what is in preparation behind it.
CREATE VIEW published_articles AS SELECT
    a.id,
    a.slug,
    a.created_by,
    a.created_at,
    a.republished_at AS updated_at,
    a.republished_at AS public_updated_at,
    a.published_at,
    a.published_at AS ordered_at,
    CAST(NULL AS BIGINT) AS publish_at,
    CAST(NULL AS BIGINT) AS unpublish_at,
    a.published_id AS working_id,
    a.published_id,
    a.published_revision,
    CAST(NULL AS INTEGER) AS scheduled_revision,
    CAST('published' AS TEXT) AS status,
    CAST(NULL AS TEXT) AS review,
    a.corrected_at,
    a.comments_open,
    a.comment_count,
    r.number AS version,
    CAST(NULL AS BIGINT) AS deleted_at,
    r.id AS revision_id,
    r.number AS revision,
    r.title,
    r.subtitle,
    r.excerpt,
    r.word_count,
    r.reading_minutes,
    r.image,
    r.visibility,
    r.featured,
    r.language,
    r.seo,
    r.custom,
    r.section_id,
    s.slug AS section_slug,
    s.name AS section_name,
    s.path AS section_path,
    s.trail AS section_trail
FROM articles a
JOIN revisions r ON r.id = a.published_id
LEFT JOIN sections s ON s.id = r.section_id
WHERE a.published_id IS NOT NULL AND a.deleted_at IS NULL;

-- Every revision of every article, trash included: for the staff. Which of them one sees is decided by `visible_to`.
CREATE VIEW article_revisions AS SELECT
    a.id,
    a.slug,
    a.created_by,
    a.created_at,
    a.updated_at,
    COALESCE(a.republished_at, a.updated_at) AS public_updated_at,
    a.published_at,
    COALESCE(a.published_at, 9223372036854775807) AS ordered_at,
    a.publish_at,
    a.unpublish_at,
    a.working_id,
    a.published_id,
    a.published_revision,
    a.scheduled_revision,
    CASE
        WHEN a.published_id IS NOT NULL THEN 'published'
        WHEN a.publish_at IS NOT NULL THEN 'scheduled'
        WHEN a.published_at IS NOT NULL THEN 'archived'
        WHEN a.review = 'requested' THEN 'in_review'
        ELSE 'draft'
    END AS status,
    a.review,
    a.corrected_at,
    a.comments_open,
    a.comment_count,
    a.version,
    a.deleted_at,
    r.id AS revision_id,
    r.number AS revision,
    r.title,
    r.subtitle,
    r.excerpt,
    r.word_count,
    r.reading_minutes,
    r.image,
    r.visibility,
    r.featured,
    r.language,
    r.seo,
    r.custom,
    r.section_id,
    s.slug AS section_slug,
    s.name AS section_name,
    s.path AS section_path,
    s.trail AS section_trail
FROM articles a
JOIN revisions r ON r.article_id = a.id
LEFT JOIN sections s ON s.id = r.section_id;
