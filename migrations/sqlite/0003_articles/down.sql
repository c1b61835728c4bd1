DROP VIEW article_revisions;
DROP VIEW published_articles;
DROP TABLE revision_related;
DROP TABLE revision_tags;
DROP TABLE revision_authors;
DROP TABLE revisions;
DROP TABLE articles;
