DROP INDEX articles_by_published_id;
CREATE INDEX articles_by_published_id ON articles (published_id);
