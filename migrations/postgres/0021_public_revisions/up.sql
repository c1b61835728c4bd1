-- Which article shows a revision, and whether it is in the trash or one of several translations, without looking at its row.
DROP INDEX articles_by_published_id;
CREATE INDEX articles_by_published_id ON articles (published_id, deleted_at, translation_group, id) WHERE published_id IS NOT NULL;
