-- Two parts of about one size are merged in the background, where four were left apart: a search looks into each part.
INSERT INTO published_terms (published_terms, rank) VALUES ('usermerge', 2);
INSERT INTO staff_terms (staff_terms, rank) VALUES ('usermerge', 2);
