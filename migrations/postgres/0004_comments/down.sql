DROP VIEW published_comments;
DROP TABLE comments;
