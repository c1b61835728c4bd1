INSERT INTO published_terms (published_terms, rank) VALUES ('usermerge', 4);
INSERT INTO staff_terms (staff_terms, rank) VALUES ('usermerge', 4);
