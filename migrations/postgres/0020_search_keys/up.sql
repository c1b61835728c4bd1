-- The words of a document take more room than all else of it, and only phrases are looked up in them: out of the way,
-- and not compressed. What is indexed already is indexed anew in the background.
ALTER TABLE published_terms SET (toast_tuple_target = 128);
ALTER TABLE published_terms ALTER COLUMN terms SET STORAGE EXTERNAL;
ALTER TABLE staff_terms SET (toast_tuple_target = 128);
ALTER TABLE staff_terms ALTER COLUMN terms SET STORAGE EXTERNAL;
INSERT INTO search_pending (subject_id, kind, spread, mark)
SELECT subject_id, kind, FALSE, '00000000-0000-0000-0000-000000000000'::uuid FROM published_documents
UNION SELECT subject_id, kind, FALSE, '00000000-0000-0000-0000-000000000000'::uuid FROM staff_documents
ON CONFLICT (subject_id) DO NOTHING;

-- Sections, tags and authors come before all articles, and are few: words of articles are not to be looked through for them.
CREATE INDEX published_names_by_word ON published_terms USING gin (terms) WHERE key + 0 <= -4611686018427387904;

-- The keys of documents that have some words, in their order: behind one, up to another, and so many at the most. The
-- planner takes it for cheap to look into every document for a word that few have. So what many have is looked for among
-- the first few, which are `walked`, and all else by the index of words. `key + 0` is in no index of keys. (Names are in the
-- public's index alone.)
DO $do$
DECLARE
    index TEXT;
BEGIN
    FOREACH index IN ARRAY ARRAY['published', 'staff'] LOOP
        EXECUTE format($function$
CREATE FUNCTION %1$s_keys(wanted TSQUERY, after BIGINT, most BIGINT, many BIGINT, walked BIGINT) RETURNS SETOF BIGINT
LANGUAGE plpgsql STABLE ROWS 20 SET enable_seqscan = off AS $$
DECLARE
    behind BIGINT := after;
    found BIGINT := 0;
    here BIGINT;
BEGIN
    IF behind < -4611686018427387904 THEN
        RETURN QUERY SELECT t.key FROM %1$s_terms t
            WHERE t.terms @@ wanted AND t.key + 0 <= -4611686018427387904 AND t.key + 0 > behind AND t.key + 0 <= most
            ORDER BY t.key + 0 LIMIT many;
        GET DIAGNOSTICS found = ROW_COUNT;
        behind := -4611686018427387904;
        IF found >= many OR most <= behind THEN
            RETURN;
        END IF;
    END IF;
    IF walked > 0 THEN
        RETURN QUERY SELECT n.key FROM (
            SELECT t.key, t.terms FROM %1$s_terms t WHERE t.key > behind AND t.key <= most ORDER BY t.key LIMIT walked
        ) n WHERE n.terms @@ wanted ORDER BY n.key LIMIT many - found;
        GET DIAGNOSTICS here = ROW_COUNT;
        found := found + here;
        IF found >= many THEN
            RETURN;
        END IF;
        SELECT t.key INTO behind FROM %1$s_terms t WHERE t.key > behind AND t.key <= most ORDER BY t.key LIMIT 1 OFFSET walked - 1;
        IF behind IS NULL THEN
            RETURN;
        END IF;
    END IF;
    RETURN QUERY SELECT t.key FROM %1$s_terms t
        WHERE t.terms @@ wanted AND t.key + 0 > behind AND t.key + 0 <= most ORDER BY t.key + 0 LIMIT many - found;
END
$$
$function$, index);
    END LOOP;
END
$do$;
