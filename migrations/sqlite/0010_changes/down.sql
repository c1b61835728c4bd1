DROP TABLE change_starts;
DROP TABLE change_stream;
DROP TABLE changes;
