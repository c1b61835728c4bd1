-- One language is one text: its tag as RFC 5646 (2.1.1) writes it. `p` is where the dash behind the language is, or would be.
UPDATE revisions SET language = known.tag FROM (
    SELECT id, lower(substr(language, 1, p)) || CASE
        WHEN length(language) - p < 4 THEN upper(substr(language, p + 1))
        ELSE upper(substr(language, p + 1, 1)) || lower(substr(language, p + 2, 4)) || upper(substr(language, p + 6))
    END AS tag
    FROM (SELECT id, language, CASE WHEN language LIKE '__-%' THEN 3 ELSE 4 END AS p FROM revisions) AS parted
) AS known
WHERE known.id = revisions.id AND known.tag <> revisions.language;
