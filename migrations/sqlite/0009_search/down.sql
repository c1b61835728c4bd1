DROP VIEW staff_search;
DROP TABLE staff_terms;
DROP TABLE staff_documents;
DROP VIEW published_search;
DROP TABLE published_terms;
DROP TABLE published_documents;
DROP TABLE search_pending;
