CREATE TABLE articles (
    id UUID PRIMARY KEY NOT NULL,
    slug TEXT COLLATE "C" NOT NULL UNIQUE,
    created_by UUID REFERENCES users (id) ON DELETE SET NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    working_id UUID NOT NULL,
    published_id UUID,
    published_revision INTEGER,
    published_at BIGINT,
    -- When what the public sees became so; `published_at` is when it first saw anything.
    republished_at BIGINT,
    publish_at BIGINT,
    unpublish_at BIGINT,
    review TEXT,
    comments_open BOOLEAN NOT NULL,
    comment_count BIGINT NOT NULL DEFAULT 0,
    version INTEGER NOT NULL,
    deleted_at BIGINT
);

-- Immutable: an edit adds a row, and none is ever changed.
CREATE TABLE revisions (
    id UUID PRIMARY KEY NOT NULL,
    article_id UUID NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    subtitle TEXT,
    excerpt TEXT NOT NULL,
    excerpt_given BOOLEAN NOT NULL,
    word_count INTEGER NOT NULL,
    reading_minutes INTEGER NOT NULL,
    section_id UUID REFERENCES sections (id),
    image TEXT,
    visibility TEXT NOT NULL,
    featured BOOLEAN NOT NULL,
    language TEXT NOT NULL,
    seo TEXT NOT NULL,
    custom TEXT NOT NULL,
    created_by UUID REFERENCES users (id) ON DELETE SET NULL,
    created_at BIGINT NOT NULL,
    body_format TEXT NOT NULL,
    body_source TEXT NOT NULL,
    body_html TEXT NOT NULL,
    UNIQUE (article_id, number)
);
ALTER TABLE articles
    ADD CONSTRAINT articles_working FOREIGN KEY (working_id) REFERENCES revisions (id) DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT articles_published FOREIGN KEY (published_id) REFERENCES revisions (id) DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX revisions_by_section ON revisions (section_id);
CREATE INDEX revisions_by_title ON revisions (title, article_id);

CREATE TABLE revision_authors (
    revision_id UUID NOT NULL REFERENCES revisions (id) ON DELETE CASCADE,
    author_id UUID NOT NULL REFERENCES authors (id),
    position INTEGER NOT NULL,
    PRIMARY KEY (revision_id, author_id)
);
CREATE INDEX revision_authors_by_author ON revision_authors (author_id, revision_id);

CREATE TABLE revision_tags (
    revision_id UUID NOT NULL REFERENCES revisions (id) ON DELETE CASCADE,
    tag_id UUID NOT NULL REFERENCES tags (id),
    position INTEGER NOT NULL,
    PRIMARY KEY (revision_id, tag_id)
);
CREATE INDEX revision_tags_by_tag ON revision_tags (tag_id, revision_id);

-- Stories that an editor pinned as related.
CREATE TABLE revision_related (
    revision_id UUID NOT NULL REFERENCES revisions (id) ON DELETE CASCADE,
    related_id UUID NOT NULL REFERENCES articles (id),
    position INTEGER NOT NULL,
    PRIMARY KEY (revision_id, related_id)
);
CREATE INDEX revision_related_by_related ON revision_related (related_id);

CREATE INDEX articles_by_published_at ON articles (published_at, id) WHERE published_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX articles_by_republished_at ON articles (republished_at, id) WHERE published_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX articles_by_published_id ON articles (published_id);
CREATE INDEX articles_by_working_id ON articles (working_id);
CREATE INDEX articles_by_created_at ON articles (created_at, id);
-- What was never published counts as the newest: `ordered_at` in the view of the staff.
CREATE INDEX articles_by_ordered_at ON articles (COALESCE(published_at, 9223372036854775807), id);
CREATE INDEX articles_by_updated_at ON articles (updated_at, id);
CREATE INDEX articles_by_created_by ON articles (created_by, updated_at, id);

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
    CAST('published' AS TEXT) AS status,
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

-- Every revision of every article, trash included: for the staff. Which of them one sees is decided in `articles/queries.rs`.
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
    CASE
        WHEN a.published_id IS NOT NULL THEN 'published'
        WHEN a.publish_at IS NOT NULL THEN 'scheduled'
        WHEN a.published_at IS NOT NULL THEN 'archived'
        WHEN a.review = 'requested' THEN 'in_review'
        ELSE 'draft'
    END AS status,
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
