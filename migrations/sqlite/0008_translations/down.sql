DROP INDEX articles_by_comment_count;
DROP VIEW working_articles;
DROP VIEW article_revisions;
DROP VIEW published_articles;
DROP INDEX articles_by_translation_group;
ALTER TABLE articles DROP COLUMN translation_group;
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
    'published' AS status,
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
