DROP VIEW article_revisions;
DROP VIEW published_articles;
DROP TABLE revision_related;
DROP TABLE revision_tags;
DROP TABLE revision_authors;
ALTER TABLE articles DROP CONSTRAINT articles_working, DROP CONSTRAINT articles_published;
DROP TABLE revisions;
DROP TABLE articles;
