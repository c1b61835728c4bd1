-- How a tag was typed is not known any more, and says nothing.
SELECT 1;
